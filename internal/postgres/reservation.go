package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/jackc/pgx/v5"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Reserve asks for elastic addresses of a project. A small reservation is made
// at once; a large one waits for an operator, after it was checked as far as
// that goes. Asking twice under one ID is asking once.
func (s *Store) Reserve(ctx context.Context, w metal.ReservationWish) (status metal.ReservationStatus, err error) {
	if err := w.Check(); err != nil {
		return status, err
	}
	err = s.retried(ctx, func(q *query.Queries) error {
		if err := q.LockReservationAsk(ctx, string(w.ID)); err != nil {
			return err
		}
		status, err = readReservation(ctx, q, w.ID)
		switch {
		case errors.Is(err, metal.ErrUnknownReservation):
			status, err = reserve(ctx, q, w)
			return err
		case err == nil && !sameWish(status.ReservationWish, w):
			return fmt.Errorf("reservation %s: it was asked for before, otherwise, by project %s; use a new ID: %w", w.ID, status.Project, metal.ErrOrderConflict)
		}
		return err
	})
	return status, err
}

// sameWish compares what was asked; an operator may have written another note.
func sameWish(a, b metal.ReservationWish) bool {
	a.Note, b.Note = "", ""
	tags := slices.Equal(a.Tags, b.Tags)
	a.Tags, b.Tags = nil, nil
	return tags && a.ID == b.ID && a.Project == b.Project && a.Site == b.Site && a.Family == b.Family && a.Bits == b.Bits && a.Wanted == b.Wanted
}

func reserve(ctx context.Context, q *query.Queries, w metal.ReservationWish) (status metal.ReservationStatus, err error) {
	if err := checkSite(ctx, q, w.Site); err != nil {
		return status, fmt.Errorf("reservation %s: %w", w.ID, err)
	}
	row := query.InsertReservationParams{ID: string(w.ID), Project: string(w.Project), Site: string(w.Site),
		Len: int32(w.Bits), Family: int32(w.Family), Tags: notNil(w.Tags), Note: w.Note}
	if w.Wanted.IsValid() {
		row.Wanted = &w.Wanted
	}
	if err := q.InsertReservation(ctx, row); err != nil {
		return status, fmt.Errorf("reservation %s: %w", w.ID, err)
	}
	waiting, err := q.PendingUnits(ctx, query.PendingUnitsParams{Project: row.Project, Family: row.Family, But: row.ID})
	if err != nil {
		return status, fmt.Errorf("reservation %s: what else the project waits for: %w", w.ID, err)
	}
	if err := reservationQuota(ctx, q, w, waiting); err != nil {
		return status, err
	}
	if w.Large() {
		err = checkRoom(ctx, q, w)
	} else {
		err = makeReservation(ctx, q, w)
	}
	if err != nil {
		return status, err
	}
	return readReservation(ctx, q, w.ID)
}

// reservationQuota counts what a project asks for, beside what it has and what
// it waits for already.
func reservationQuota(ctx context.Context, q *query.Queries, w metal.ReservationWish, waiting float64) error {
	resources := []string{"reserved-ipv6"}
	more := float64(uint64(1)<<max(0, 64-w.Bits)) + waiting
	if w.Family == 4 {
		resources = []string{"public-ipv4", "reserved-ipv4"}
		more = float64(uint64(1)<<(32-w.Bits)) + waiting
	}
	for _, resource := range resources {
		if err := checkQuota(ctx, q, w.Project, resource, more); err != nil {
			return err
		}
	}
	return nil
}

// makeReservation cuts the reservation's block, of the first pool that has room.
func makeReservation(ctx context.Context, q *query.Queries, w metal.ReservationWish) error {
	if err := announcedAnew(ctx, q, w, "begins"); err != nil {
		return err
	}
	all, err := pools(ctx, q, w.Site, w.Role(), w.Family, w.Project)
	if err != nil {
		return fmt.Errorf("reservation %s: %w", w.ID, err)
	}
	prefix := w.Wanted
	if prefix.IsValid() {
		err = cutWanted(ctx, q, w, all)
	} else {
		prefix, err = cutFrom(ctx, q, blockPrefixes(all), int32(w.Bits), metal.Reservation, w.Project)
	}
	if err != nil {
		return fmt.Errorf("reserve a %s IPv%d /%d for project %s: %w", w.Role(), w.Family, w.Bits, w.Project, err)
	}
	return q.MakeReservation(ctx, query.MakeReservationParams{ID: string(w.ID), Prefix: prefix})
}

// cutWanted makes a block of the very prefix that was asked for.
func cutWanted(ctx context.Context, q *query.Queries, w metal.ReservationWish, all []metal.Block) error {
	pool, err := poolOf(w, all)
	if err != nil {
		return err
	}
	piece, err := lockFree(ctx, q, w.Wanted)
	if err != nil {
		return err
	}
	if piece.Block == nil || *piece.Block != pool.Prefix {
		return fmt.Errorf("%s: %w: it lies in block %s, which was cut from %s for somebody; ask for another prefix", w.Wanted, metal.ErrInUse, valid(piece.Block), described(pool))
	}
	err = q.PlaceBlock(ctx, query.PlaceBlockParams{Prefix: w.Wanted, Parent: &pool.Prefix, Site: string(pool.Site), Role: string(pool.Role),
		Purpose: string(metal.Reservation), Project: string(w.Project)})
	if err != nil {
		return fmt.Errorf("%s: cut it from %s: %w", w.Wanted, described(pool), err)
	}
	return nil
}

// poolOf finds the pool that has the wanted prefix.
func poolOf(w metal.ReservationWish, all []metal.Block) (metal.Block, error) {
	for _, b := range all {
		if ipam.Covers(b.Prefix, w.Wanted) && b.Prefix.Bits() < w.Bits {
			return b, nil
		}
	}
	where := "at site " + string(w.Site)
	if w.Site == "" {
		where = "of anycast"
	}
	return metal.Block{}, fmt.Errorf("%s: %w: no %s block %s has it that project %s may take from; ask for another prefix, or allow the project", w.Wanted, metal.ErrNotAllowed, w.Role(), where, w.Project)
}

// checkRoom refuses at once what no operator could approve.
func checkRoom(ctx context.Context, q *query.Queries, w metal.ReservationWish) error {
	all, err := pools(ctx, q, w.Site, w.Role(), w.Family, w.Project)
	if err != nil {
		return fmt.Errorf("reservation %s: %w", w.ID, err)
	}
	if w.Wanted.IsValid() {
		if _, err := poolOf(w, all); err != nil {
			return err
		}
		_, err := lockFree(ctx, q, w.Wanted)
		return err
	}
	if !slices.ContainsFunc(all, func(b metal.Block) bool { return b.Prefix.Bits() < w.Bits }) {
		return noRoom(ctx, q, blockPrefixes(all), int32(w.Bits))
	}
	return nil
}

// readReservation locks a reservation's row and reads it.
func readReservation(ctx context.Context, q *query.Queries, id metal.ReservationID) (metal.ReservationStatus, error) {
	row, err := q.LockReservation(ctx, string(id))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.ReservationStatus{}, fmt.Errorf("reservation %s: %w; see starter ip reservations", id, metal.ErrUnknownReservation)
	}
	return reservationOf(row), err
}

func reservationOf(row query.Reservation) metal.ReservationStatus {
	r := metal.ReservationStatus{State: metal.ReservationState(row.State), AskedAt: row.AskedAt.UTC(), ReservationWish: metal.ReservationWish{
		ID: metal.ReservationID(row.ID), Project: metal.ProjectID(row.Project), Family: int(row.Family), Bits: int(row.Len), Tags: row.Tags, Note: row.Note,
		Wanted: valid(row.Wanted),
	}}
	r.Prefix = valid(row.Prefix)
	if row.Site != nil {
		r.Site = metal.SiteID(*row.Site)
	}
	if row.DecidedAt != nil {
		r.Decided = row.DecidedAt.UTC()
	}
	if row.EndedAt != nil {
		r.Ended = row.EndedAt.UTC()
	}
	return r
}

func valid(p *netip.Prefix) netip.Prefix {
	if p == nil {
		return netip.Prefix{}
	}
	return *p
}
