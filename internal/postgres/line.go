package postgres

import (
	"context"
	"fmt"
	"time"

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
	if err := q.JoinLine(ctx, query.JoinLineParams{Device: d.ID, Served: served, Until: until}); err != nil {
		return nil, err
	}
	turn, err := turnOf(ctx, q, d, idle)
	if err != nil || turn.Place <= turn.Idle {
		return nil, err
	}
	if d.State == string(metal.Queued) {
		err = q.StillWanted(ctx, string(order))
	}
	return turn, err
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
		return nil, fmt.Errorf("claim a %s at %s: none is idle, and %d devices wait for one; order with a wait, another plan or site: %w", d.Plan, d.Site, ahead, metal.ErrNoMachine)
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

func turnOf(ctx context.Context, q *query.Queries, d query.Device, idle int) (*metal.Turn, error) {
	place, err := q.PlaceInLine(ctx, d.ID)
	if err != nil {
		return nil, fmt.Errorf("device %s: its place in the line: %w", d.ID, err)
	}
	outlook, err := outlookOf(ctx, q, d.Site, d.Plan, idle)
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

// InLine lists the devices that wait for a machine, in the order of their
// turns: of one site, plan or project where these are given.
func (s *Store) InLine(ctx context.Context, site metal.SiteID, plan metal.PlanID, project metal.ProjectID) ([]metal.Waiter, error) {
	q := s.Queries()
	rows, err := q.ListWaiting(ctx, query.ListWaitingParams{Site: string(site), Plan: string(plan), Project: string(project)})
	if err != nil {
		return nil, err
	}
	type line struct{ site, plan string }
	outlooks := map[line]metal.Outlook{}
	all := make([]metal.Waiter, len(rows))
	for i, r := range rows {
		of := line{r.Site, r.Plan}
		if _, known := outlooks[of]; !known {
			idle, err := q.IdleMachines(ctx, query.IdleMachinesParams{Site: r.Site, Plan: r.Plan})
			if err != nil {
				return nil, err
			}
			if outlooks[of], err = outlookOf(ctx, q, r.Site, r.Plan, int(idle)); err != nil {
				return nil, err
			}
		}
		all[i] = metal.Waiter{
			Device: metal.DeviceID(r.Device), Hostname: r.Hostname, Project: metal.ProjectID(r.Project), Site: metal.SiteID(r.Site), Plan: metal.PlanID(r.Plan),
			Turn: metal.Turn{Place: int(r.Place), Waiting: int(r.Waiting), Idle: outlooks[of].Idle, Since: r.Since, Until: r.Until, Expected: outlooks[of].At(time.Now(), int(r.Place))},
		}
	}
	return all, nil
}
