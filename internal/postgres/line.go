package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// lineUp decides whether a device may take a machine now, has to wait for its
// turn, or is refused because its order does not wait. Whoever asks about the
// same plan at the same site meanwhile waits for the answer.
func lineUp(ctx context.Context, q *query.Queries, d query.Device, order metal.OrderID) (*metal.Turn, error) {
	until, err := waitsUntil(ctx, q, order)
	if err != nil {
		return nil, err
	}
	if !until.After(time.Now()) {
		return takeOrRefuse(ctx, q, d, order)
	}
	served, idle, err := lockLine(ctx, q, d)
	if err != nil {
		return nil, err
	}
	joined, err := q.JoinLine(ctx, query.JoinLineParams{Device: d.ID, Served: served, Until: until})
	if err != nil {
		return nil, err
	}
	turn, err := turnOf(ctx, q, d.ID, d.Site, d.Plan, idle)
	if err != nil || turn.Place <= turn.Idle {
		return nil, err
	}
	if joined {
		if err := event(ctx, q, metal.Claim{Device: metal.DeviceID(d.ID)}, "instance.waiting", "%s", turn.Words()); err != nil {
			return nil, err
		}
	}
	if d.State == string(metal.Queued) {
		err = q.StillWanted(ctx, string(order))
	}
	return turn, err
}

// leaveLine serves a device that was given a machine, and tells its tenant where
// it had to wait.
func leaveLine(ctx context.Context, q *query.Queries, device string) error {
	waited, err := q.LeaveLine(ctx, device)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !waited {
		return nil
	}
	if err != nil {
		return fmt.Errorf("device %s leaves the line: %w", device, err)
	}
	return event(ctx, q, metal.Claim{Device: metal.DeviceID(device)}, "instance.turn", "Its turn has come: there is a machine for it")
}

// takeOrRefuse decides for an order that does not wait, or no longer: idle
// machines beyond those that others wait for are its own to take.
func takeOrRefuse(ctx context.Context, q *query.Queries, d query.Device, _ metal.OrderID) (*metal.Turn, error) {
	_, idle, err := lockLine(ctx, q, d)
	if err != nil {
		return nil, err
	}
	ahead, err := q.CountAhead(ctx, query.CountAheadParams{Site: d.Site, Plan: d.Plan, Device: d.ID})
	switch {
	case err != nil:
		return nil, err
	case int(ahead) < idle:
		return nil, nil
	case ahead > 0:
		return nil, fmt.Errorf("claim a %s at %s: no idle one is left for it: %d devices wait for one; order with a wait, another plan or site: %w", d.Plan, d.Site, ahead, metal.ErrNoMachine)
	}
	return nil, fmt.Errorf("claim a %s at %s: none is idle; order with a wait, another plan or site, or free one: %w", d.Plan, d.Site, metal.ErrNoMachine)
}

func lockLine(ctx context.Context, q *query.Queries, d query.Device) (served int64, idle int, err error) {
	served, err = q.LockLine(ctx, query.LockLineParams{Site: d.Site, Plan: d.Plan})
	if err != nil {
		return 0, 0, err
	}
	n, err := q.IdleMachines(ctx, query.IdleMachinesParams{Site: d.Site, Plan: d.Plan})
	return served, int(n), err
}

// waitsUntil is until when an order waits; the epoch where it does not.
func waitsUntil(ctx context.Context, q *query.Queries, order metal.OrderID) (time.Time, error) {
	if order == "" {
		return time.Time{}, nil
	}
	row, err := q.GetOrder(ctx, string(order))
	if err != nil {
		return time.Time{}, fmt.Errorf("order %s: %w", order, err)
	}
	return row.WantedAt.Add(row.Patience), nil
}

func turnOf(ctx context.Context, q *query.Queries, device, site, plan string, idle int) (*metal.Turn, error) {
	place, err := q.PlaceInLine(ctx, device)
	if err != nil {
		return nil, fmt.Errorf("device %s: its place in the line: %w", device, err)
	}
	outlook, err := outlookOf(ctx, q, site, plan, idle)
	return &metal.Turn{
		Place: int(place.Place), Waiting: int(place.Waiting), Idle: idle, Since: place.Since, Until: place.Until,
		Expected: outlook.At(time.Now(), int(place.Place)),
	}, err
}

func outlookOf(ctx context.Context, q *query.Queries, site, plan string, idle int) (metal.Outlook, error) {
	o, err := q.Outlook(ctx, query.OutlookParams{Site: site, Plan: plan})
	return metal.Outlook{
		Idle: idle, Clearing: int(o.Clearing), Clear: time.Duration(o.ClearS * float64(time.Second)).Truncate(time.Second), LeftInDay: int(o.LeftToday),
	}, err
}

// CallWaiting lists the devices whose turn has come: their runs are to be told.
// Who was called is not called again for a while.
func (s *Store) CallWaiting(ctx context.Context, again time.Duration, most int) ([]metal.DeviceID, error) {
	devices, err := s.Queries().CallWaiting(ctx, query.CallWaitingParams{AgainAfter: again, Most: int32(most)})
	return typed[metal.DeviceID](devices), err
}

// SeenWaiting notes that the run of a device that waits is open.
func (s *Store) SeenWaiting(ctx context.Context, device metal.DeviceID) error {
	return s.Queries().SeenWaiting(ctx, string(device))
}

// LostWaiting notes that the run of a device that was called is not open: its
// order counts as lost at once, because an idle machine waits for it.
func (s *Store) LostWaiting(ctx context.Context, device metal.DeviceID) error {
	return s.Queries().LostWaiting(ctx, string(device))
}
