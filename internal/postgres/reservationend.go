package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Reservation is how one stands.
func (s *Store) Reservation(ctx context.Context, id metal.ReservationID) (status metal.ReservationStatus, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		status, err = readReservation(ctx, q, id)
		return err
	})
	return status, err
}

// Reservations lists reservations, the oldest first; of one project, state or
// site where those are named.
func (s *Store) Reservations(ctx context.Context, project metal.ProjectID, state metal.ReservationState, site metal.SiteID) ([]metal.ReservationStatus, error) {
	rows, err := s.Queries().ListReservations(ctx, query.ListReservationsParams{Project: string(project), State: string(state), Site: string(site)})
	all := make([]metal.ReservationStatus, len(rows))
	for i, row := range rows {
		all[i] = reservationOf(row)
	}
	return all, err
}

// Approve makes a reservation that waited. Quota and room are looked at again:
// both may be others' by now, and then it waits on. Safe to repeat.
func (s *Store) Approve(ctx context.Context, id metal.ReservationID) (metal.ReservationStatus, error) {
	return s.decide(ctx, id, func(q *query.Queries, r metal.ReservationStatus) error {
		switch r.State {
		case metal.ReservationCreated:
			return nil
		case metal.ReservationPending:
			if err := reservationQuota(ctx, q, r.ReservationWish, 0); err != nil {
				return err
			}
			return makeReservation(ctx, q, r.ReservationWish)
		}
		return fmt.Errorf("approve reservation %s: it is %s; let the project ask anew: %w", id, r.State, metal.ErrWrongState)
	})
}

// Deny refuses a reservation that waited, with a reason that the project reads.
// Safe to repeat.
func (s *Store) Deny(ctx context.Context, id metal.ReservationID, reason string) (metal.ReservationStatus, error) {
	if reason == "" {
		return metal.ReservationStatus{}, fmt.Errorf("deny reservation %s: %w: without a reason; the project reads it", id, metal.ErrNotAllowed)
	}
	return s.decide(ctx, id, func(q *query.Queries, r metal.ReservationStatus) error {
		switch r.State {
		case metal.ReservationDenied:
			return nil
		case metal.ReservationPending:
			return q.DenyReservation(ctx, query.DenyReservationParams{ID: string(id), Note: reason})
		}
		return fmt.Errorf("deny reservation %s: it is %s; release it instead: %w", id, r.State, metal.ErrWrongState)
	})
}

// Release ends a reservation: its block rests, then goes back to the pool. One
// that is assigned to devices, in whole or in parts, is refused; one that waits
// is withdrawn. Safe to repeat.
func (s *Store) Release(ctx context.Context, id metal.ReservationID) (metal.ReservationStatus, error) {
	return s.decide(ctx, id, func(q *query.Queries, r metal.ReservationStatus) error { return release(ctx, q, r) })
}

func release(ctx context.Context, q *query.Queries, r metal.ReservationStatus) error {
	switch r.State {
	case metal.ReservationReleased:
		return nil
	case metal.ReservationDenied:
		return fmt.Errorf("release reservation %s: it was denied, and holds nothing: %w", r.ID, metal.ErrWrongState)
	case metal.ReservationCreated:
		if err := announcedAnew(ctx, q, r.ReservationWish, "ends"); err != nil {
			return err
		}
		if err := dropReserved(ctx, q, r); err != nil {
			return err
		}
	}
	return q.EndReservation(ctx, string(r.ID))
}

// announcedAnew asks for another look at the ports of the project's devices that
// speak BGP: what they may announce changes with its reservations. Ports come
// before blocks, as everywhere.
func announcedAnew(ctx context.Context, q *query.Queries, w metal.ReservationWish, verb string) error {
	err := q.BumpSpeakers(ctx, query.BumpSpeakersParams{Project: string(w.Project), Site: string(w.Site), Reason: fmt.Sprintf("reservation %s %s", w.ID, verb)})
	if err != nil {
		return fmt.Errorf("reservation %s: ports that may announce it: %w", w.ID, err)
	}
	return nil
}

func dropReserved(ctx context.Context, q *query.Queries, r metal.ReservationStatus) error {
	if err := q.LockBlock(ctx, r.Prefix); err != nil {
		return err
	}
	used, err := q.UsedWithin(ctx, query.UsedWithinParams{Prefix: r.Prefix, Most: mostNamed})
	if err != nil {
		return fmt.Errorf("reservation %s: %w", r.ID, err)
	}
	if len(used) > 0 {
		p := pieceOf(query.PieceFromRow(used[0]))
		return fmt.Errorf("release reservation %s: %w: %s is assigned to %s%s; unassign it first", r.ID, metal.ErrInUse, p.Prefix, p.Holder, andMore(len(used)-1))
	}
	if err := q.MergePieces(ctx, r.Prefix); err != nil {
		return fmt.Errorf("reservation %s: %w", r.ID, err)
	}
	if err := q.DropBlockOf(ctx, r.Prefix); err != nil {
		return fmt.Errorf("release reservation %s: %w", r.ID, err)
	}
	return nil
}

// decide changes one reservation, under its lock, and answers how it stands
// then.
func (s *Store) decide(ctx context.Context, id metal.ReservationID, change func(*query.Queries, metal.ReservationStatus) error) (status metal.ReservationStatus, err error) {
	err = s.retried(ctx, func(q *query.Queries) error {
		if status, err = readReservation(ctx, q, id); err != nil {
			return err
		}
		if err := change(q, status); err != nil {
			return err
		}
		status, err = readReservation(ctx, q, id)
		return err
	})
	return status, err
}
