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

// ClaimAside takes a machine that no device lives on for a run of its own. A
// repeat of the same run takes it again, under a new epoch. A machine in
// quarantine keeps its reason, in case it is put back.
func (s *Store) ClaimAside(ctx context.Context, machine metal.MachineID, run string, errand metal.Errand) (metal.Holding, error) {
	var holding metal.Holding
	err := s.in(ctx, func(q *query.Queries) error {
		from := make([]string, len(metal.From[errand]))
		for i, state := range metal.From[errand] {
			from[i] = string(state)
		}
		epoch, err := q.ClaimAside(ctx, query.ClaimAsideParams{Machine: string(machine), Run: run, Errand: string(errand), FromStates: from})
		if errors.Is(err, pgx.ErrNoRows) {
			return whyNotAside(ctx, q, machine, errand)
		}
		if err != nil {
			return err
		}
		if err := decided(ctx, q, machine, errand); err != nil {
			return err
		}
		m, err := q.GetMachine(ctx, string(machine))
		if err != nil {
			return err
		}
		if errand == metal.ForRetire && m.Reservation != nil {
			return fmt.Errorf("retire machine %s: hardware reservation %s keeps it for a project; end that first: %w", machine, *m.Reservation, metal.ErrWrongState)
		}
		plan, err := q.GetPlan(ctx, m.Plan)
		if err != nil {
			return err
		}
		expected, err := fitnessOf(plan.Hardware, plan.Fitness)
		holding = metal.Holding{
			Claim: metal.Claim{Machine: machine, Epoch: epoch},
			Port:  metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port},
			Plan:  metal.PlanID(m.Plan), Dirty: m.Dirty,
			Limits: metal.Limits{Boot: plan.BootLimit, Install: plan.InstallLimit, PhoneHome: plan.PhoneHomeLimit, Prove: proveLimit(expected.BurnIn)},
		}
		return err
	})
	return holding, err
}

// proveLimit is how long a proof may take: what its tests last, a quarter more,
// because tools end when they are done with a block, and what the agent takes to
// hear its neighbours and to fetch the tools.
func proveLimit(b metal.BurnIn) time.Duration { return b.Longest()*5/4 + 20*time.Minute }

// whyNotAside says why a run may not have a machine.
func whyNotAside(ctx context.Context, q *query.Queries, machine metal.MachineID, errand metal.Errand) error {
	m, err := q.GetMachine(ctx, string(machine))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
	case err != nil:
		return err
	case m.Device != nil:
		return fmt.Errorf("%s machine %s: device %s has it; deprovision the device first: %w", errand, machine, *m.Device, metal.ErrWrongState)
	case m.Run != "":
		return fmt.Errorf("%s machine %s: run %s holds it; wait for it, or cancel it: %w", errand, machine, m.Run, metal.ErrWrongState)
	}
	return fmt.Errorf("%s machine %s: it is %s: %w", errand, machine, m.State, metal.ErrWrongState)
}

// PutBack ends a run of its own without a result: the machine is what it was
// before. A claim that is no longer held has nothing to put back.
func (s *Store) PutBack(ctx context.Context, claim metal.Claim) error {
	return s.whileHeld(ctx, claim, func(q *query.Queries, m query.Machine) error {
		if err := q.EndBootIntent(ctx, m.ID); err != nil {
			return err
		}
		if err := q.PutBack(ctx, m.ID); err != nil {
			return err
		}
		return event(ctx, q, claim, "machine", "machine %s is as it was before %s", m.ID, m.Run)
	})
}

// ReleaseProven makes a machine idle that was found to be what its plan says,
// and whose disks hold nothing: the boot named reported their erasure, or
// nobody's data was ever on them. Otherwise it changes nothing, and says why.
func (s *Store) ReleaseProven(ctx context.Context, claim metal.Claim, boot metal.BootNumber) (why []string, err error) {
	err = s.whileHeld(ctx, claim, func(q *query.Queries, m query.Machine) error {
		if why, err = unfit(ctx, q, m, claim, boot); err != nil || len(why) > 0 {
			return err
		}
		if err := q.EndBootIntent(ctx, m.ID); err != nil {
			return err
		}
		if err := q.MakeIdle(ctx, m.ID); err != nil {
			return err
		}
		return event(ctx, q, claim, "machine", "machine %s is as its plan %s says, and idle", m.ID, m.Plan)
	})
	return why, err
}

// unfit says what keeps a machine from the pool.
func unfit(ctx context.Context, q *query.Queries, m query.Machine, claim metal.Claim, boot metal.BootNumber) ([]string, error) {
	why, err := blocking(ctx, q, m.ID)
	if err != nil || len(why) > 0 {
		return why, err
	}
	if boot == 0 && !m.Dirty {
		return nil, nil
	}
	proven, err := proveErasure(ctx, q, claim, boot)
	if err == nil && !proven {
		why = []string{fmt.Sprintf("boot %d brought no proof that every disk was erased", boot)}
	}
	return why, err
}

// RetireMachine ends a machine's life here. Its disks must be proven to hold
// nothing; what is the matter with it else does not matter any more.
func (s *Store) RetireMachine(ctx context.Context, claim metal.Claim, boot metal.BootNumber) (why []string, err error) {
	err = s.whileHeld(ctx, claim, func(q *query.Queries, m query.Machine) error {
		proven, err := proveErasure(ctx, q, claim, boot)
		if err != nil {
			return err
		}
		if !proven {
			why = []string{fmt.Sprintf("boot %d brought no proof that every disk was erased", boot)}
			return nil
		}
		if err := q.EndBootIntent(ctx, m.ID); err != nil {
			return err
		}
		if err := q.RetireMachine(ctx, m.ID); err != nil {
			return fmt.Errorf("retire machine %s: %w", m.ID, err)
		}
		return event(ctx, q, claim, "machine", "machine %s is retired; starter certificates --machine %s has the proof of its erasure", m.ID, m.ID)
	})
	return why, err
}

// whileHeld runs f in one transaction, on the machine that the claim holds. A
// claim that is no longer held counts as done: a repeat whose first answer was
// lost.
func (s *Store) whileHeld(ctx context.Context, claim metal.Claim, f func(*query.Queries, query.Machine) error) error {
	return s.in(ctx, func(q *query.Queries) error {
		m, err := held(ctx, q, claim)
		if errors.Is(err, metal.ErrStaleClaim) {
			return nil
		}
		if err != nil {
			return err
		}
		return f(q, m)
	})
}

// IdleBehind lists idle machines of a plan with another version of a firmware, by
// what was last read of them.
func (s *Store) IdleBehind(ctx context.Context, site metal.SiteID, plan metal.PlanID, component, version string) ([]metal.MachineID, error) {
	rows, err := s.Queries().IdleBehind(ctx, query.IdleBehindParams{Site: string(site), Plan: string(plan), Component: component, Version: version})
	all := make([]metal.MachineID, len(rows))
	for i, id := range rows {
		all[i] = metal.MachineID(id)
	}
	return all, err
}

// AsideMachine is a machine as a person's hand may have it at its BMC: any, or
// with free only one that no device and no run has, and that nobody may claim.
func (s *Store) AsideMachine(ctx context.Context, machine metal.MachineID, free bool) (metal.Machine, error) {
	m, err := s.Queries().GetMachine(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.Machine{}, fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
	}
	if err != nil {
		return metal.Machine{}, err
	}
	if free && (m.Device != nil || m.Run != "" || m.State == string(metal.Idle)) {
		return metal.Machine{}, fmt.Errorf("machine %s is %s: its power is for a device, a run or the next order; take it with starter machine maintain or quarantine first: %w", machine, m.State, metal.ErrWrongState)
	}
	return machineOf(m)
}
