package postgres

import (
	"context"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Spare is an idle machine, or one that a run of its own holds.
func spare(id, site, plan, run, errand string) metal.Spare {
	return metal.Spare{Machine: metal.MachineID(id), Site: metal.SiteID(site), Plan: metal.PlanID(plan), Run: run, Errand: metal.Errand(errand)}
}

// warmFor is how long an agent may wait before its machine is booted again:
// memory that was never tested under load is not trusted for longer.
const warmFor = 7 * 24 * time.Hour

// MachinesToWarm lists idle machines that should wait in the agent and do not,
// as many as their plans lack, and those whose agent has waited for too long or
// is not the one that is handed out now: one of each plan and site at a time.
func (s *Store) MachinesToWarm(ctx context.Context, most int) ([]metal.Spare, error) {
	rows, err := s.Queries().MachinesToWarm(ctx, query.MachinesToWarmParams{WaitingFor: waitingFor, TooLong: warmFor, Most: int32(most)})
	spares := make([]metal.Spare, len(rows))
	for i, row := range rows {
		spares[i] = spare(row.ID, row.Site, row.Plan, "", string(metal.ForWarm))
	}
	return spares, err
}

// provenAgain is how long a machine waits that a run could not prove for what is
// not its own fault, before it is tried again.
const provenAgain = 15 * time.Minute

// MachinesToProve lists machines that came in, and that no run has proven.
func (s *Store) MachinesToProve(ctx context.Context, most int) ([]metal.Spare, error) {
	rows, err := s.Queries().MachinesToProve(ctx, query.MachinesToProveParams{AgainAfter: provenAgain, Most: int32(most)})
	spares := make([]metal.Spare, len(rows))
	for i, row := range rows {
		spares[i] = spare(row.ID, row.Site, row.Plan, "", string(metal.ForCommission))
	}
	return spares, err
}

// Sites lists the sites that have machines.
func (s *Store) Sites(ctx context.Context) ([]metal.SiteID, error) {
	rows, err := s.Queries().SitesWithMachines(ctx)
	sites := make([]metal.SiteID, len(rows))
	for i, id := range rows {
		sites[i] = metal.SiteID(id)
	}
	return sites, err
}

// LostSpares lists machines that runs of their own hold.
func (s *Store) LostSpares(ctx context.Context, olderThan time.Duration, most int) ([]metal.Spare, error) {
	rows, err := s.Queries().LostSpares(ctx, query.LostSparesParams{OlderThan: olderThan, Most: int32(most)})
	spares := make([]metal.Spare, len(rows))
	for i, row := range rows {
		spares[i] = spare(row.ID, row.Site, row.Plan, row.Run, row.Errand)
	}
	return spares, err
}

// ClaimSpare takes an idle machine for a run that has it wait in the agent. A
// repeat of the same run takes it again, under a new epoch.
func (s *Store) ClaimSpare(ctx context.Context, machine metal.MachineID, run string) (metal.Holding, error) {
	return s.ClaimAside(ctx, machine, run, metal.ForWarm)
}

// ReturnSpare makes a machine idle again that a run of its own holds, unless it
// began to fail meanwhile. With warm its agent waits on; without, it is to boot
// its disk, which is empty. A claim that is no longer held has nothing to return.
func (s *Store) ReturnSpare(ctx context.Context, claim metal.Claim, warm bool) error {
	return s.whileHeld(ctx, claim, func(q *query.Queries, m query.Machine) error {
		keep := q.EndBootIntent
		if warm && m.Health != string(metal.HealthFailing) {
			keep = q.KeepBootIntent
		}
		if err := keep(ctx, m.ID); err != nil {
			return err
		}
		return q.PutBack(ctx, m.ID)
	})
}
