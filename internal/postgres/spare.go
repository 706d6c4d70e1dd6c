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

// Spare is an idle machine, or one that a run of its own holds.
func spare(id, site, plan, run string) metal.Spare {
	return metal.Spare{Machine: metal.MachineID(id), Site: metal.SiteID(site), Plan: metal.PlanID(plan), Run: run}
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
		spares[i] = spare(row.ID, row.Site, row.Plan, "")
	}
	return spares, err
}

// LostSpares lists machines that runs of their own hold.
func (s *Store) LostSpares(ctx context.Context, olderThan time.Duration, most int) ([]metal.Spare, error) {
	rows, err := s.Queries().LostSpares(ctx, query.LostSparesParams{OlderThan: olderThan, Most: int32(most)})
	spares := make([]metal.Spare, len(rows))
	for i, row := range rows {
		spares[i] = spare(row.ID, row.Site, "", row.Run)
	}
	return spares, err
}

// ClaimSpare takes an idle machine for a run of its own. A repeat of the same
// run takes it again, under a new epoch.
func (s *Store) ClaimSpare(ctx context.Context, machine metal.MachineID, run string) (metal.Holding, error) {
	var holding metal.Holding
	err := s.in(ctx, func(q *query.Queries) error {
		epoch, err := q.ClaimSpare(ctx, query.ClaimSpareParams{Machine: string(machine), Run: run})
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("machine %s is not idle any more: %w", machine, metal.ErrWrongState)
		}
		if err != nil {
			return err
		}
		m, err := q.GetMachine(ctx, string(machine))
		if err != nil {
			return err
		}
		plan, err := q.GetPlan(ctx, m.Plan)
		holding = metal.Holding{
			Claim:  metal.Claim{Machine: machine, Epoch: epoch},
			Port:   metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port},
			Plan:   metal.PlanID(m.Plan),
			Limits: metal.Limits{Boot: plan.BootLimit, Install: plan.InstallLimit, PhoneHome: plan.PhoneHomeLimit},
		}
		return err
	})
	return holding, err
}

// ReturnSpare makes a machine idle again that a run of its own holds. With warm
// its agent waits on; without, it is to boot its disk, which is empty. A claim
// that is no longer held has nothing to return.
func (s *Store) ReturnSpare(ctx context.Context, claim metal.Claim, warm bool) error {
	return s.in(ctx, func(q *query.Queries) error {
		_, err := held(ctx, q, claim)
		if errors.Is(err, metal.ErrStaleClaim) {
			return nil
		}
		if err != nil {
			return err
		}
		keep := q.EndBootIntent
		if warm {
			keep = q.KeepBootIntent
		}
		if err := keep(ctx, string(claim.Machine)); err != nil {
			return err
		}
		return q.ReturnSpare(ctx, string(claim.Machine))
	})
}
