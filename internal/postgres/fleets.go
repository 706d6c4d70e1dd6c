package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// fleet is what was ordered under an ID.
func (s *Store) fleet(ctx context.Context, id metal.FleetID) (metal.Fleet, error) {
	input, err := s.Queries().FleetInput(ctx, string(id))
	if err != nil {
		return metal.Fleet{}, knownFleet(id, err)
	}
	return metal.ParseFleet(id, input)
}

// knownFleet says of which fleet there is no row.
func knownFleet(id metal.FleetID, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("fleet %s: %w", id, metal.ErrUnknownFleet)
	}
	return err
}

// OrderFleet writes the orders of a fleet from one number up to another, all or
// none, and lists those that have ended before.
func (s *Store) OrderFleet(ctx context.Context, id metal.FleetID, from, to int) (ended []int, err error) {
	f, err := s.fleet(ctx, id)
	if err != nil {
		return nil, err
	}
	err = s.in(ctx, func(q *query.Queries) error {
		ended = nil
		for n := from; n < to; n++ {
			order, err := f.Order(n)
			if err != nil {
				return err
			}
			row, err := s.place(ctx, q, order, new(bool))
			if err != nil {
				return fmt.Errorf("device %d of fleet %s: %w", n+1, f.ID, err)
			}
			if row.EndedAt != nil {
				ended = append(ended, n)
			}
			if err := q.SetBatch(ctx, query.SetBatchParams{Device: string(order.Device), Batch: f.Batch}); err != nil {
				return err
			}
		}
		return nil
	})
	return ended, err
}

// ReturnFleet writes orders that give a fleet's devices back, and lists those
// that are to be taken apart. One that is locked since is left to its tenant,
// and told.
func (s *Store) ReturnFleet(ctx context.Context, id metal.FleetID, from, to int) (back []int, kept []string, err error) {
	f, err := s.fleet(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	err = s.in(ctx, func(q *query.Queries) error {
		back, kept = nil, nil
		for n := from; n < to; n++ {
			d, err := q.GetDevice(ctx, string(f.Device(n)))
			if errors.Is(err, pgx.ErrNoRows) || err == nil && d.State == string(metal.Deleted) {
				continue
			}
			if err != nil {
				return err
			}
			if d.Locked {
				kept = append(kept, fmt.Sprintf("device %s is locked", d.ID))
				continue
			}
			order, err := f.Return(n)
			if err != nil {
				return err
			}
			row, err := s.place(ctx, q, order, new(bool))
			if err != nil {
				return fmt.Errorf("give device %d of fleet %s back: %w", n+1, f.ID, err)
			}
			if row.EndedAt == nil {
				back = append(back, n)
			}
		}
		return nil
	})
	return back, kept, err
}

// EndFleet writes a fleet's outcome. The first one stands.
func (s *Store) EndFleet(ctx context.Context, id metal.FleetID, state, outcome string) error {
	return s.Queries().EndFleet(ctx, query.EndFleetParams{Fleet: string(id), State: state, Outcome: outcome})
}

// Fleet is how a fleet stands.
func (s *Store) Fleet(ctx context.Context, id metal.FleetID) (metal.FleetStatus, error) {
	row, err := s.Queries().GetFleet(ctx, string(id))
	if err != nil {
		return metal.FleetStatus{}, knownFleet(id, err)
	}
	f, err := metal.ParseFleet(id, row.Input)
	status := metal.FleetStatus{
		Fleet: id, Batch: row.ID, Project: metal.ProjectID(row.Project), Plan: f.Wish.Device.Plan, State: row.State, Outcome: row.Outcome,
		Quantity: int(row.Quantity), Enough: f.Wish.Enough, Ordered: int(row.Ordered), Active: int(row.Active), Waiting: int(row.Waiting),
		Failed: int(row.Failed), Open: int(row.Open), Left: int(row.Held), Created: row.CreatedAt, Ended: row.EndedAt,
	}
	if row.Deadline != nil {
		status.Deadline = *row.Deadline
	}
	return status, err
}

// OpenOfFleet lists those of a fleet's devices, by number, that have an order
// without an outcome: to provision them, or to give them back.
func (s *Store) OpenOfFleet(ctx context.Context, id metal.FleetID, of []int) (open []int, err error) {
	f, err := s.fleet(ctx, id)
	if err != nil {
		return nil, err
	}
	devices, err := s.Queries().OpenOfFleet(ctx, string(id))
	for _, n := range of {
		if slices.Contains(devices, string(f.Device(n))) {
			open = append(open, n)
		}
	}
	return open, err
}

// FleetDevices lists a fleet's devices, in the order of their numbers.
func (s *Store) FleetDevices(ctx context.Context, id metal.FleetID) ([]metal.FleetDevice, error) {
	rows, err := s.Queries().FleetDevices(ctx, string(id))
	all := make([]metal.FleetDevice, len(rows))
	for i, r := range rows {
		all[i] = metal.FleetDevice{
			Device: metal.DeviceID(r.ID), Hostname: r.Hostname, Site: metal.SiteID(r.Site), State: metal.DeviceState(r.State),
			Machine: metal.MachineID(r.Machine), Reason: r.Reason,
		}
	}
	return all, err
}

// Fleets lists fleets, the newest first; of one project where one is given.
func (s *Store) Fleets(ctx context.Context, project metal.ProjectID, most int) ([]metal.FleetStatus, error) {
	ids, err := s.Queries().ListFleets(ctx, query.ListFleetsParams{Project: string(project), Most: int32(most)})
	if err != nil {
		return nil, err
	}
	all := make([]metal.FleetStatus, len(ids))
	for i, id := range ids {
		if all[i], err = s.Fleet(ctx, metal.FleetID(value(id))); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// OpenFleets lists fleets without an outcome, oldest first.
func (s *Store) OpenFleets(ctx context.Context, olderThan time.Duration, most int) ([]metal.LostFleet, error) {
	rows, err := s.Queries().LostFleets(ctx, query.LostFleetsParams{OlderThan: olderThan, Most: int32(most)})
	all := make([]metal.LostFleet, len(rows))
	for i, r := range rows {
		all[i] = metal.LostFleet{Fleet: metal.FleetID(value(r.Fleet)), Input: r.Input}
	}
	return all, err
}
