package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// AssignedDevice is who has a piece of a reservation; empty for nobody.
func (s *Store) AssignedDevice(ctx context.Context, reservation string, prefix netip.Prefix) (metal.DeviceID, error) {
	var device metal.DeviceID
	err := s.in(ctx, func(q *query.Queries) error {
		if _, err := lockReservation(ctx, q, reservation, prefix); err != nil {
			return err
		}
		piece, err := q.PieceAt(ctx, prefix.Addr())
		if err == nil && piece.Prefix == prefix {
			device = metal.DeviceID(piece.Device)
		}
		return err
	})
	return device, err
}

// AssignPiece gives a piece of a reservation to a device of its project,
// whoever of the project had it, and returns the ports of both to be brought. A
// repeat finds it so, and returns the device's ports again.
func (s *Store) AssignPiece(ctx context.Context, reservation string, prefix netip.Prefix, device metal.DeviceID) ([]metal.PortGeneration, error) {
	var ports []metal.PortGeneration
	err := s.in(ctx, func(q *query.Queries) error {
		r, err := lockReservation(ctx, q, reservation, prefix)
		if err != nil {
			return err
		}
		d, err := lockDevice(ctx, q, device)
		if err != nil {
			return err
		}
		if err := mayHave(d, r, prefix); err != nil {
			return err
		}
		was, err := cutPiece(ctx, q, prefix)
		if err != nil {
			return err
		}
		if was == device {
			ports, err = carrying(ctx, q, device)
			return err
		}
		err = q.HoldPiece(ctx, query.HoldPieceParams{Prefix: prefix, Holder: metal.DeviceHolder + d.ID, Ask: "elastic/" + prefix.String()})
		if err != nil {
			return err
		}
		ports, err = bump(ctx, q, fmt.Sprintf("%s to device %s", prefix, device), was, device)
		return err
	})
	return ports, err
}

// UnassignPiece takes a piece of a reservation from whoever has it, and returns
// that device's ports to be brought. A repeat finds nothing to do.
func (s *Store) UnassignPiece(ctx context.Context, reservation string, prefix netip.Prefix) ([]metal.PortGeneration, error) {
	var ports []metal.PortGeneration
	err := s.in(ctx, func(q *query.Queries) error {
		r, err := lockReservation(ctx, q, reservation, prefix)
		if err != nil {
			return err
		}
		piece, err := q.PieceAt(ctx, prefix.Addr())
		if err != nil || piece.Prefix != prefix || piece.Holder == "" {
			return err
		}
		if err := q.FreePieces(ctx, query.FreePiecesParams{Block: *r.Prefix, Begins: []netip.Addr{piece.First}}); err != nil {
			return err
		}
		ports, err = bump(ctx, q, fmt.Sprintf("%s from device %s", prefix, piece.Device), metal.DeviceID(piece.Device))
		return err
	})
	return ports, err
}

// lockReservation keeps others from splitting and merging a reservation's
// pieces until the transaction ends.
func lockReservation(ctx context.Context, q *query.Queries, id string, prefix netip.Prefix) (query.Reservation, error) {
	r, err := q.CreatedReservation(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("reservation %s: there is none, or it has no addresses yet: %w", id, metal.ErrInvalidPrefix)
	}
	if err != nil {
		return r, fmt.Errorf("reservation %s: %w", id, err)
	}
	if !prefix.IsValid() || prefix != prefix.Masked() || prefix.Bits() < r.Prefix.Bits() || !r.Prefix.Contains(prefix.Addr()) {
		return r, fmt.Errorf("%s is no part of reservation %s, which is %s: %w", prefix, id, r.Prefix, metal.ErrInvalidPrefix)
	}
	return r, q.LockBlock(ctx, *r.Prefix)
}

// mayHave refuses a device that is another project's, elsewhere, or going.
func mayHave(d query.Device, r query.Reservation, prefix netip.Prefix) error {
	going := []string{string(metal.Failed), string(metal.Deprovisioning), string(metal.Deleted)}
	switch {
	case d.Project != r.Project:
		return fmt.Errorf("assign %s to device %s: it is not of project %s, which reserved it: %w", prefix, d.ID, r.Project, metal.ErrNotAllowed)
	case r.Site != nil && *r.Site != d.Site:
		return fmt.Errorf("assign %s to device %s: it is at %s and the reservation is of %s; reserve addresses there: %w", prefix, d.ID, d.Site, *r.Site, metal.ErrNotAllowed)
	case slices.Contains(going, d.State):
		return fmt.Errorf("assign %s to device %s: it is %s: %w", prefix, d.ID, d.State, metal.ErrWrongState)
	}
	return nil
}

// cutPiece makes the prefix a piece of its own, and says which device has it.
func cutPiece(ctx context.Context, q *query.Queries, prefix netip.Prefix) (metal.DeviceID, error) {
	piece, err := q.PieceAt(ctx, prefix.Addr())
	if err != nil {
		return "", fmt.Errorf("the piece that %s is in: %w", prefix, err)
	}
	switch {
	case piece.Prefix == prefix:
		return metal.DeviceID(piece.Device), nil
	case piece.Prefix.Bits() < prefix.Bits() && piece.Holder == "":
		return "", q.SplitPiece(ctx, query.SplitPieceParams{Begins: piece.First, Wanted: prefix})
	case piece.Prefix.Bits() < prefix.Bits():
		return "", fmt.Errorf("%s is part of %s, which %s has; unassign that first: %w", prefix, piece.Prefix, piece.Holder, metal.ErrInUse)
	}
	parts, err := q.PiecesWithin(ctx, prefix)
	for _, p := range parts {
		if p.Holder != "" {
			return "", fmt.Errorf("%s holds %s, which %s has; unassign that first: %w", prefix, p.Prefix, p.Holder, metal.ErrInUse)
		}
	}
	return "", errors.Join(err, fmt.Errorf("%s: its free pieces are not merged; try again", prefix))
}

// carrying are the ports that carry a device, as they are to be read back.
func carrying(ctx context.Context, q *query.Queries, device metal.DeviceID) ([]metal.PortGeneration, error) {
	rows, err := q.PortsCarrying(ctx, []string{string(device)})
	all := make([]metal.PortGeneration, len(rows))
	for i, r := range rows {
		all[i] = metal.PortGeneration{Port: metal.Port{Switch: metal.SwitchID(r.Switch), Name: r.Name}, Generation: r.Generation}
	}
	return all, err
}
