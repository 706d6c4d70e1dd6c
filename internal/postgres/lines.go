package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// lineOf is what waits together.
type lineOf struct{ site, plan string }

// outlook is what is known at this moment of when its machines come free.
func (l lineOf) outlook(ctx context.Context, q *query.Queries) (metal.Outlook, error) {
	idle, err := q.IdleMachines(ctx, query.IdleMachinesParams{Site: l.site, Plan: l.plan})
	if err != nil {
		return metal.Outlook{}, err
	}
	return outlookOf(ctx, q, l.site, l.plan, int(idle))
}

// Turn is a device's place in the line; nil where it waits for no machine.
func (s *Store) Turn(ctx context.Context, device metal.DeviceID) (*metal.Turn, error) {
	q := s.Queries()
	of, err := q.DeviceWaits(ctx, string(device))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	idle, err := q.IdleMachines(ctx, query.IdleMachinesParams(of))
	if err != nil {
		return nil, err
	}
	turn, err := turnOf(ctx, q, string(device), of.Site, of.Plan, int(idle))
	if errors.Is(err, pgx.ErrNoRows) { // its turn came meanwhile
		return nil, nil
	}
	return turn, err
}

// InLine lists the devices that wait for a machine, in the order of their
// turns: of one site, plan or project where these are given.
func (s *Store) InLine(ctx context.Context, site metal.SiteID, plan metal.PlanID, project metal.ProjectID) ([]metal.Waiter, error) {
	q := s.Queries()
	rows, err := q.ListWaiting(ctx, query.ListWaitingParams{Site: string(site), Plan: string(plan), Project: string(project)})
	if err != nil {
		return nil, err
	}
	outlooks := map[lineOf]metal.Outlook{}
	all := make([]metal.Waiter, len(rows))
	for i, r := range rows {
		of := lineOf{r.Site, r.Plan}
		if _, known := outlooks[of]; !known {
			if outlooks[of], err = of.outlook(ctx, q); err != nil {
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

// Lines counts who waits for each plan at each site where it has machines, and
// says when the last one's turn is expected.
func (s *Store) Lines(ctx context.Context) ([]metal.LineCount, error) {
	q := s.Queries()
	rows, err := q.CountWaiting(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]metal.LineCount, len(rows))
	for i, r := range rows {
		all[i] = metal.LineCount{Site: metal.SiteID(r.Site), Plan: metal.PlanID(r.Plan), Waiting: int(r.Waiting), Longest: time.Duration(r.LongestS * float64(time.Second))}
		if r.Waiting == 0 {
			continue // nobody asks when
		}
		outlook, err := lineOf{r.Site, r.Plan}.outlook(ctx, q)
		if err != nil {
			return nil, err
		}
		all[i].Expected = outlook.At(time.Now(), int(r.Waiting))
	}
	return all, nil
}
