package postgres

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// terminateAtOnce bounds one pass; the next one takes the rest.
const terminateAtOnce = 200

// TerminateDue orders the end of devices whose time has come, and returns the
// orders. A locked device stays, and its tenant is told once. Safe to repeat: a
// device whose end is ordered is not due any more.
func (s *Store) TerminateDue(ctx context.Context) (orders []metal.LostOrder, err error) {
	err = s.retried(ctx, func(q *query.Queries) error {
		orders = nil
		due, err := q.TerminationsDue(ctx, terminateAtOnce)
		if err != nil {
			return fmt.Errorf("look for devices whose time has come: %w", err)
		}
		for _, d := range due {
			given, err := s.terminate(ctx, q, d)
			if err != nil {
				return fmt.Errorf("terminate device %s: %w", d.ID, err)
			}
			if given.ID != "" {
				orders = append(orders, metal.LostOrder{Order: given.ID, Input: given.Input})
			}
		}
		return nil
	})
	return orders, err
}

func (s *Store) terminate(ctx context.Context, q *query.Queries, d query.Device) (given metal.GivenOrder, err error) {
	device := metal.DeviceID(d.ID)
	if d.Locked {
		if err := q.HoldOffTermination(ctx, d.ID); err != nil {
			return given, err
		}
		return given, event(ctx, q, metal.Claim{Device: device}, "instance.termination_held_off",
			"Termination was due at %s and waits: the device is locked. Unlock it, or change its termination time", d.TerminateAt.UTC().Format(time.RFC3339))
	}
	return s.announce(ctx, q, d, metal.OrderID(fmt.Sprintf("termination-%s-%d", d.ID, d.TerminateAt.Unix())),
		metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
}
