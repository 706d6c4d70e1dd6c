package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// ReserveAddresses is Reserve for a tenant: with its words, its event, and the
// record of who asked. Where it must not wait for an operator, what would is
// refused.
func (s *Store) ReserveAddresses(ctx context.Context, c metal.Request, w metal.ReservationWish, words metal.Words, atOnce bool) error {
	if err := w.Check(); err != nil {
		return err
	}
	if atOnce && w.Large() {
		return fmt.Errorf("quantity: an IPv%d /%d waits for an operator's approval; ask for less, or without fail_on_approval_required: %w", w.Family, w.Bits, metal.ErrNotAllowed)
	}
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		if err := openProject(ctx, q, w.Project); err != nil {
			return "", err
		}
		made, err := reserve(ctx, q, w)
		if err != nil {
			return "", err
		}
		_, err = q.SetReservationWords(ctx, query.SetReservationWordsParams{
			ID: string(w.ID), Details: words.Details, Tags: notNil(words.Tags), CustomData: orEmpty(words.CustomData),
		})
		if err != nil {
			return "", fmt.Errorf("reservation %s: keep its words: %w", w.ID, err)
		}
		kind, said := "ip_reservation.created", made.Prefix.String()+" reserved"
		if made.State == metal.ReservationPending {
			kind, said = "ip_reservation.requested", fmt.Sprintf("An IPv%d /%d waits for approval", w.Family, w.Bits)
		}
		return "/ips/" + string(w.ID), projectEvent(ctx, q, w.Project, kind, "%s", said)
	})
}

// ReleaseAddresses is Release for a tenant.
func (s *Store) ReleaseAddresses(ctx context.Context, c metal.Request, id metal.ReservationID) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		r, err := readReservation(ctx, q, id)
		if err != nil {
			return "", err
		}
		if err := release(ctx, q, r); err != nil {
			return "", err
		}
		said := fmt.Sprintf("An IPv%d /%d withdrawn", r.Family, r.Bits)
		if r.Prefix.IsValid() {
			said = r.Prefix.String() + " released"
		}
		return "/ips/" + string(id), projectEvent(ctx, q, r.Project, "ip_reservation.released", "%s", said)
	})
}

// AssignAddress gives a piece of a project's reservation to a device of it. One
// that another device has stays there: who wants it moved takes it away first,
// as with Packet. Its ports are left to be brought.
func (s *Store) AssignAddress(ctx context.Context, c metal.Request, device metal.DeviceID, prefix netip.Prefix, words metal.Words) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		of, err := q.ReservationOfPrefix(ctx, prefix)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && of.Project != string(c.Scope.Project) {
			return "", fmt.Errorf("address: %s is of no reservation of this project; reserve it first: %w", prefix, metal.ErrNotAllowed)
		}
		if err != nil {
			return "", fmt.Errorf("the reservation of %s: %w", prefix, err)
		}
		m, err := lockMove(ctx, q, of.ID, prefix, device)
		switch {
		case err != nil:
			return "", err
		case m.to.NetworkFrozen:
			return "", frozen(device)
		case m.was != "" && m.was != device:
			return "", fmt.Errorf("address: device %s has %s; unassign it there first: %w", m.was, prefix, metal.ErrInUse)
		case m.was == device: // a repeat
			return addressPath(ctx, q, device, prefix)
		}
		if _, err := give(ctx, q, m, prefix, device); err != nil {
			return "", fmt.Errorf("address: %w", err)
		}
		if err := describeAddress(ctx, q, device, prefix, words); err != nil {
			return "", err
		}
		if err := event(ctx, q, metal.Claim{Device: device}, "ip_address.assigned", "%s assigned", prefix); err != nil {
			return "", err
		}
		return addressPath(ctx, q, device, prefix)
	})
}

// addressPath is where the API shows what a device has.
func addressPath(ctx context.Context, q *query.Queries, device metal.DeviceID, prefix netip.Prefix) (string, error) {
	id, err := q.AssignmentID(ctx, query.AssignmentIDParams{Device: string(device), Prefix: prefix})
	return "/ips/" + id, err
}

func frozen(device metal.DeviceID) error {
	return fmt.Errorf("network_frozen: the addresses and sessions of device %s cannot be changed; unset it first: %w", device, metal.ErrWrongState)
}

// UnassignAddress takes an elastic address from the device that has it. Its
// ports are left to be brought.
func (s *Store) UnassignAddress(ctx context.Context, c metal.Request, id string) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		row, err := q.AddressByID(ctx, id)
		switch {
		case err != nil:
			return "", notFound(err, "address %s", id)
		case row.Reservation == "":
			return "", fmt.Errorf("%s: it came with device %s and goes with it; only elastic addresses can be unassigned: %w", row.Prefix, row.Device, metal.ErrNotAllowed)
		case row.NetworkFrozen:
			return "", frozen(metal.DeviceID(row.Device))
		}
		m, err := lockMove(ctx, q, row.Reservation, row.Prefix, "")
		switch {
		case err != nil:
			return "", err
		case string(m.was) != row.Device: // somebody was faster
			return "", fmt.Errorf("address %s: %w", id, metal.ErrNotFound)
		}
		if _, err := takeAway(ctx, q, m, row.Prefix); err != nil {
			return "", fmt.Errorf("unassign %s: %w", row.Prefix, err)
		}
		return "/ips/" + id, event(ctx, q, metal.Claim{Device: m.was}, "ip_address.unassigned", "%s unassigned", row.Prefix)
	})
}

// DescribeBlock changes what a tenant says of a reservation.
func (s *Store) DescribeBlock(ctx context.Context, c metal.Request, id string, words metal.Words) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		n, err := q.SetReservationWords(ctx, query.SetReservationWordsParams{
			ID: id, Details: words.Details, Tags: notNil(words.Tags), CustomData: orEmpty(words.CustomData),
		})
		return "/ips/" + id, changedOne(n, err, "reservation %s", id)
	})
}

// DescribeAddress changes what a tenant says of what a device has.
func (s *Store) DescribeAddress(ctx context.Context, c metal.Request, a metal.Assignment, id string, words metal.Words) error {
	return s.change(ctx, c, func(q *query.Queries) (string, error) {
		return "/ips/" + id, describeAddress(ctx, q, a.Device, a.Prefix, words)
	})
}

func describeAddress(ctx context.Context, q *query.Queries, device metal.DeviceID, prefix netip.Prefix, words metal.Words) error {
	n, err := q.SetAddressWords(ctx, query.SetAddressWordsParams{
		Prefix: prefix, Device: string(device), Details: words.Details, Tags: notNil(words.Tags), CustomData: orEmpty(words.CustomData),
	})
	return changedOne(n, err, "address %s of device %s", prefix, device)
}
