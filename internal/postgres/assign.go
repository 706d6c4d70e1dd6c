package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// AssignedDevice is who has a piece of a reservation; empty for nobody.
func (s *Store) AssignedDevice(ctx context.Context, reservation string, prefix netip.Prefix) (metal.DeviceID, error) {
	q := s.Queries()
	if _, err := reserved(ctx, q, reservation, prefix); err != nil {
		return "", err
	}
	return deviceWith(ctx, q, prefix)
}

// AssignPiece gives a piece of a reservation to a device of its project,
// whoever of the project had it, and returns the ports of both to be brought. A
// repeat finds it so, whatever became of the device meanwhile, and returns the
// device's ports again.
func (s *Store) AssignPiece(ctx context.Context, reservation string, prefix netip.Prefix, device metal.DeviceID) ([]metal.PortGeneration, error) {
	var ports []metal.PortGeneration
	err := s.in(ctx, func(q *query.Queries) error {
		m, err := lockMove(ctx, q, reservation, prefix, device)
		if err != nil {
			return err
		}
		ports, err = give(ctx, q, m, prefix, device)
		return err
	})
	return ports, err
}

// give writes that a device has the piece, under the locks of the move.
func give(ctx context.Context, q *query.Queries, m move, prefix netip.Prefix, device metal.DeviceID) ([]metal.PortGeneration, error) {
	if m.was == device {
		return carrying(ctx, q, device)
	}
	if err := mayHave(m.to, m.reservation, prefix); err != nil {
		return nil, err
	}
	if err := cutPiece(ctx, q, prefix); err != nil {
		return nil, err
	}
	err := q.HoldPiece(ctx, query.HoldPieceParams{Prefix: prefix, Holder: metal.DeviceHolder + m.to.ID, Ask: "elastic/" + prefix.String()})
	if err != nil {
		return nil, err
	}
	return bump(ctx, q, fmt.Sprintf("%s to device %s", prefix, device), m.was, device)
}

// UnassignPiece takes a piece of a reservation from whoever has it, and returns
// that device's ports to be brought. A repeat finds nothing to do.
func (s *Store) UnassignPiece(ctx context.Context, reservation string, prefix netip.Prefix) ([]metal.PortGeneration, error) {
	var ports []metal.PortGeneration
	err := s.in(ctx, func(q *query.Queries) error {
		m, err := lockMove(ctx, q, reservation, prefix, "")
		if err != nil || m.was == "" {
			return err
		}
		ports, err = takeAway(ctx, q, m, prefix)
		return err
	})
	return ports, err
}

// takeAway writes that nobody has the piece any more, under the locks of the
// move.
func takeAway(ctx context.Context, q *query.Queries, m move, prefix netip.Prefix) ([]metal.PortGeneration, error) {
	if err := q.FreePieces(ctx, query.FreePiecesParams{Block: *m.reservation.Prefix, Begins: []netip.Addr{prefix.Addr()}}); err != nil {
		return nil, err
	}
	return bump(ctx, q, fmt.Sprintf("%s from device %s", prefix, m.was), m.was)
}

// reserved is the reservation, if the prefix is one that it can give.
func reserved(ctx context.Context, q *query.Queries, id string, prefix netip.Prefix) (query.Reservation, error) {
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
	return r, nil
}

// deviceWith is who has exactly this prefix, without a lock.
func deviceWith(ctx context.Context, q *query.Queries, prefix netip.Prefix) (metal.DeviceID, error) {
	pieces, err := q.PiecesWithin(ctx, prefix)
	if err != nil || len(pieces) != 1 || pieces[0].Prefix != prefix {
		return "", err
	}
	device, _ := strings.CutPrefix(pieces[0].Holder, metal.DeviceHolder)
	return metal.DeviceID(device), nil
}

// move is what an assignment is about, locked.
type move struct {
	reservation query.Reservation
	to          query.Device   // empty where it goes to nobody
	was         metal.DeviceID // who has the piece; empty for nobody
}

// lockMove keeps others from splitting, merging and moving a reservation's
// pieces until the transaction ends. The devices come first, as in a release,
// which locks blocks after its device: and SetPorts meets their locks, so that
// a port that is being opened is either seen here or sees what is written here.
func lockMove(ctx context.Context, q *query.Queries, reservation string, prefix netip.Prefix, to metal.DeviceID) (m move, err error) {
	if m.reservation, err = reserved(ctx, q, reservation, prefix); err != nil {
		return m, err
	}
	if m.was, err = deviceWith(ctx, q, prefix); err != nil {
		return m, err
	}
	if m.to, err = lockDevices(ctx, q, m.was, to); err != nil {
		return m, err
	}
	if err = q.LockBlock(ctx, *m.reservation.Prefix); err != nil {
		return m, err
	}
	now, err := deviceWith(ctx, q, prefix)
	if err == nil && now != m.was {
		err = fmt.Errorf("%s of reservation %s: it goes from device %q to %q at this moment: %w", prefix, reservation, m.was, now, errBusy)
	}
	return m, err
}

// lockDevices locks both in the order in which everybody does, and returns the
// second. Either may be nobody.
func lockDevices(ctx context.Context, q *query.Queries, was, to metal.DeviceID) (found query.Device, err error) {
	both := []metal.DeviceID{was, to}
	slices.Sort(both)
	for _, id := range slices.Compact(both) {
		if id == "" {
			continue
		}
		d, err := lockDevice(ctx, q, id)
		if err != nil {
			return found, err
		}
		if id == to {
			found = d
		}
	}
	return found, nil
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

// cutPiece makes the prefix a piece of its own.
func cutPiece(ctx context.Context, q *query.Queries, prefix netip.Prefix) error {
	piece, err := q.PieceAt(ctx, prefix.Addr())
	if err != nil {
		return fmt.Errorf("the piece that %s is in: %w", prefix, err)
	}
	switch {
	case piece.Prefix == prefix:
		return nil
	case piece.Prefix.Bits() < prefix.Bits() && piece.Holder == "":
		return q.SplitPiece(ctx, query.SplitPieceParams{Begins: piece.First, Wanted: prefix})
	case piece.Prefix.Bits() < prefix.Bits():
		return fmt.Errorf("%s is part of %s, which %s has; unassign that first: %w", prefix, piece.Prefix, piece.Holder, metal.ErrInUse)
	}
	parts, err := q.PiecesWithin(ctx, prefix)
	for _, p := range parts {
		if p.Holder != "" {
			return fmt.Errorf("%s holds %s, which %s has; unassign that first: %w", prefix, p.Prefix, p.Holder, metal.ErrInUse)
		}
	}
	return errors.Join(err, fmt.Errorf("%s: its free pieces are not merged; try again", prefix))
}

// DevicePorts are the ports that carry a device, as they are to be read back.
func (s *Store) DevicePorts(ctx context.Context, device metal.DeviceID) ([]metal.PortGeneration, error) {
	return carrying(ctx, s.Queries(), device)
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
