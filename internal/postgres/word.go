package postgres

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Quarantine is a person's word that nobody is to have a machine.
func (s *Store) Quarantine(ctx context.Context, w metal.Word) error {
	return s.onWord(ctx, w, metal.Quarantined, func(q *query.Queries, m query.LockMachineLifeRow) error {
		if _, err := q.OpenIssue(ctx, query.OpenIssueParams{Machine: m.ID, Look: string(metal.LookPerson), Kind: string(metal.Manual),
			Severity: string(metal.Failing), Blocks: true, Detail: clean(w.By + ": " + w.Note)}); err != nil {
			return err
		}
		if err := q.SetAside(ctx, query.SetAsideParams{Machine: m.ID, Reason: clean(w.By + ": " + w.Note)}); err != nil {
			return err
		}
		_, err := judge(ctx, q, m)
		return err
	})
}

// Maintain is a person's word that they have a machine, until a date.
func (s *Store) Maintain(ctx context.Context, w metal.Word) error {
	return s.onWord(ctx, w, metal.Maintenance, func(q *query.Queries, m query.LockMachineLifeRow) error {
		return q.MoveMachine(ctx, query.MoveMachineParams{Machine: m.ID, State: string(metal.Maintenance), Note: clean(w.By + ": " + w.Note), Until: &w.Until})
	})
}

// Restore is a person's word that they are done with a machine, or that one that
// was retired comes back: it is to be proven again.
func (s *Store) Restore(ctx context.Context, w metal.Word) error {
	return s.onWord(ctx, w, metal.Enrolled, func(q *query.Queries, m query.LockMachineLifeRow) error {
		return q.MoveMachine(ctx, query.MoveMachineParams{Machine: m.ID, State: string(metal.Enrolled)})
	})
}

// Vouch is a person's word that a machine is fit, whatever was found: its issues
// are closed in their name. It is not taken for one whose disks may hold a
// tenant's data, or that still keeps a device.
func (s *Store) Vouch(ctx context.Context, w metal.Word) error {
	return s.onWord(ctx, w, metal.Idle, func(q *query.Queries, m query.LockMachineLifeRow) error {
		closed, err := q.CloseAllIssues(ctx, query.CloseAllIssuesParams{Machine: m.ID, By: clean(w.By)})
		if err != nil {
			return err
		}
		if _, err := judge(ctx, q, m); err != nil {
			return err
		}
		for _, c := range closed {
			if err := event(ctx, q, about(m), "issue", "%s closed by %s: %s", c.Kind, w.By, w.Note); err != nil {
				return err
			}
		}
		return q.MoveMachine(ctx, query.MoveMachineParams{Machine: m.ID, State: string(metal.Idle)})
	})
}

// CloseIssue is a person's word that something is not, or no longer, the matter.
func (s *Store) CloseIssue(ctx context.Context, w metal.Word, id int64) error {
	return s.in(ctx, func(q *query.Queries) error {
		m, err := lockLife(ctx, q, w.Machine)
		if err != nil {
			return err
		}
		n, err := q.CloseIssue(ctx, query.CloseIssueParams{Machine: m.ID, ID: id, By: clean(w.By)})
		if err == nil && n == 0 {
			return fmt.Errorf("machine %s has no open issue %d; starter machine issues %s lists them: %w", m.ID, id, m.ID, metal.ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := event(ctx, q, about(m), "issue", "issue %d closed by %s: %s", id, w.By, w.Note); err != nil {
			return err
		}
		_, err = judge(ctx, q, m)
		return err
	})
}

// AcceptSerial is a person's word that a machine's board was replaced: the next
// look remembers the serial that it finds.
func (s *Store) AcceptSerial(ctx context.Context, w metal.Word) error {
	return s.in(ctx, func(q *query.Queries) error {
		m, err := lockLife(ctx, q, w.Machine)
		if err != nil {
			return err
		}
		if err := q.AcceptSerial(ctx, m.ID); err != nil {
			return err
		}
		return event(ctx, q, about(m), "machine", "%s: the serial that is found next is the machine's: %s", w.By, w.Note)
	})
}

// onWord moves a machine by a person's word. What its present state does not
// allow is refused with the reason, and changes nothing.
func (s *Store) onWord(ctx context.Context, w metal.Word, to metal.MachineState, f func(*query.Queries, query.LockMachineLifeRow) error) error {
	return s.in(ctx, func(q *query.Queries) error {
		m, err := lockLife(ctx, q, w.Machine)
		if err != nil {
			return err
		}
		if why := cannot(m, to, w.Until); why != "" {
			return fmt.Errorf("machine %s: %s: %w", m.ID, why, metal.ErrWrongState)
		}
		if err := f(q, m); err != nil {
			return err
		}
		if err := q.EndBootIntent(ctx, m.ID); err != nil {
			return err
		}
		return event(ctx, q, about(m), "machine", "machine %s was %s and is %s by %s: %s", m.ID, m.State, to, w.By, w.Note)
	})
}

// byWord are the moves that a person may make; those of runs are not among them.
var byWord = map[metal.MachineState]map[metal.MachineState]bool{
	metal.Quarantined: {metal.Enrolled: true, metal.Idle: true, metal.Maintenance: true},
	metal.Maintenance: {metal.Enrolled: true, metal.Idle: true, metal.Quarantined: true, metal.Maintenance: true}, // its end may be moved
	metal.Enrolled:    {metal.Maintenance: true, metal.Retired: true},
	metal.Idle:        {metal.Quarantined: true, metal.Enrolled: true},
}

// cannot says why a machine cannot be moved by word; empty where it can.
func cannot(m query.LockMachineLifeRow, to metal.MachineState, until time.Time) string {
	switch {
	case m.Device != nil:
		return "it keeps device " + *m.Device + "; deprovision that device first"
	case m.Run != "":
		return "run " + m.Run + " holds it; wait for it, or cancel it"
	case !byWord[to][metal.MachineState(m.State)]:
		return "it is " + m.State + ", and cannot become " + string(to) + " from there"
	case to == metal.Idle && m.Dirty:
		return "its disks may hold a tenant's data, and nothing has proven their erasure; commission it, which erases it"
	case to == metal.Maintenance && !until.After(time.Now()):
		return "maintenance needs an end that is still to come"
	}
	return ""
}

// EndMaintenance sends machines whose maintenance should be over to quarantine,
// where somebody sees them.
func (s *Store) EndMaintenance(ctx context.Context) (ended int, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		due, err := q.DueMaintenance(ctx)
		for _, m := range due {
			reason := fmt.Sprintf("its maintenance should have been over at %s (%s); starter machine restore it, or extend", m.Until.UTC().Format(time.RFC3339), m.Note)
			if err := q.SetAside(ctx, query.SetAsideParams{Machine: m.ID, Reason: reason}); err != nil {
				return err
			}
			if err := event(ctx, q, metal.Claim{Machine: metal.MachineID(m.ID)}, "quarantine", "machine %s: %s", m.ID, reason); err != nil {
				return err
			}
			ended++
		}
		return err
	})
	return ended, err
}
