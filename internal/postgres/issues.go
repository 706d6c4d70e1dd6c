package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// RecordFindings keeps what a look at a machine found: new findings are opened,
// known ones seen again, and those of the same look that are gone are closed. A
// machine that is failing is nobody's next: an idle one goes to quarantine, and
// the tenant of an occupied one is told. A repeat changes nothing.
func (s *Store) RecordFindings(ctx context.Context, found metal.Found) (metal.Verdict, error) {
	if len(found.Findings) == 0 {
		// A patrol finds nothing at nearly all machines, every few minutes: there is
		// nothing to open, to close or to change, and no lock is taken to see so.
		well, err := s.Queries().IsWell(ctx, string(found.Machine))
		if err != nil {
			return metal.Verdict{}, err
		}
		if well {
			return metal.Verdict{Health: metal.HealthOK, Blocking: []string{}}, nil
		}
	}
	var verdict metal.Verdict
	err := s.in(ctx, func(q *query.Queries) error {
		m, err := lockLife(ctx, q, found.Machine)
		if err != nil {
			return err
		}
		if err := openFindings(ctx, q, m, found); err != nil {
			return err
		}
		if !found.Partial {
			if err := closeOthers(ctx, q, m, found); err != nil {
				return err
			}
		}
		verdict, err = judge(ctx, q, m)
		return err
	})
	return verdict, err
}

func lockLife(ctx context.Context, q *query.Queries, machine metal.MachineID) (query.LockMachineLifeRow, error) {
	m, err := q.LockMachineLife(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return m, fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
	}
	return m, err
}

// about is the machine and whoever lives on it, for an event.
func about(m query.LockMachineLifeRow) metal.Claim {
	return metal.Claim{Machine: metal.MachineID(m.ID), Device: metal.DeviceID(value(m.Device))}
}

func openFindings(ctx context.Context, q *query.Queries, m query.LockMachineLifeRow, found metal.Found) error {
	for _, f := range found.Findings {
		fresh, err := q.OpenIssue(ctx, query.OpenIssueParams{
			Machine: m.ID, Look: string(found.Look), Kind: string(f.Kind), Part: clean(f.Part),
			Severity: string(f.Severity), Blocks: f.Blocks(found.Look), Detail: clean(f.Detail),
		})
		if err != nil {
			return fmt.Errorf("machine %s: keep issue %s: %w", m.ID, f.Kind, err)
		}
		if !fresh || f.Severity == metal.Note {
			continue
		}
		if err := event(ctx, q, metal.Claim{Machine: metal.MachineID(m.ID)}, "issue", "%s", issueSentence(string(f.Kind), f.Part, f.Detail)); err != nil {
			return err
		}
	}
	return nil
}

// issueSentence is an issue in a sentence.
func issueSentence(kind, part, detail string) string {
	if part != "" {
		kind += " (" + part + ")"
	}
	return kind + ": " + detail
}

func closeOthers(ctx context.Context, q *query.Queries, m query.LockMachineLifeRow, found metal.Found) error {
	still := make([]string, len(found.Findings))
	for i, f := range found.Findings {
		still[i] = string(f.Kind) + "/" + clean(f.Part)
	}
	keep := make([]string, len(found.Keep))
	for i, kind := range found.Keep {
		keep[i] = string(kind)
	}
	twin, err := q.HasTwin(ctx, m.ID)
	if err != nil {
		return err
	}
	if twin { // it may have been found since this look began
		keep = append(keep, string(metal.DuplicateSerial))
	}
	gone, err := q.CloseIssuesBut(ctx, query.CloseIssuesButParams{Machine: m.ID, Look: string(found.Look), Found: still, Keep: keep})
	if err != nil {
		return fmt.Errorf("machine %s: close what is mended: %w", m.ID, err)
	}
	for _, g := range gone {
		if err := event(ctx, q, metal.Claim{Machine: metal.MachineID(m.ID)}, "issue", "%s is over", strings.TrimSuffix(g.Kind+" of "+g.Part, " of ")); err != nil {
			return err
		}
	}
	return nil
}

var healthBySeverity = []metal.Health{metal.HealthOK, metal.HealthOK, metal.HealthDegraded, metal.HealthFailing}

// judge brings a machine's health to what its open issues say.
func judge(ctx context.Context, q *query.Queries, m query.LockMachineLifeRow) (metal.Verdict, error) {
	worst, err := q.WorstIssue(ctx, m.ID)
	if err != nil {
		return metal.Verdict{}, err
	}
	verdict := metal.Verdict{Health: healthBySeverity[worst]}
	if verdict.Blocking, err = blocking(ctx, q, m.ID); err != nil {
		return verdict, err
	}
	if string(verdict.Health) == m.Health {
		return verdict, nil
	}
	if verdict.Health == metal.HealthFailing {
		if err := worsens(ctx, q, m, verdict.Blocking); err != nil {
			return verdict, err
		}
	}
	return verdict, q.SetHealth(ctx, query.SetHealthParams{Machine: m.ID, Health: string(verdict.Health)})
}

func blocking(ctx context.Context, q *query.Queries, machine string) ([]string, error) {
	rows, err := q.BlockingIssues(ctx, machine)
	all := make([]string, len(rows))
	for i, row := range rows {
		all[i] = issueSentence(row.Kind, row.Part, row.Detail)
	}
	return all, err
}

// worsens is what follows when a machine begins to fail.
func worsens(ctx context.Context, q *query.Queries, m query.LockMachineLifeRow, why []string) error {
	reason := outlined(why)
	if m.State == string(metal.Idle) {
		if err := q.SetAside(ctx, query.SetAsideParams{Machine: m.ID, Reason: "failing: " + reason}); err != nil {
			return err
		}
		if err := q.EndBootIntent(ctx, m.ID); err != nil {
			return err
		}
		return event(ctx, q, about(m), "quarantine", "machine %s is in quarantine: failing: %s", m.ID, reason)
	}
	if m.Device == nil {
		return nil
	}
	return event(ctx, q, about(m), "instance.hardware_failing", "The hardware of this device is failing: %s", reason)
}

// outlined joins sentences to one that a row has room for.
func outlined(sentences []string) string {
	const most = 3
	more := ""
	if len(sentences) > most {
		more = fmt.Sprintf("; and %d more", len(sentences)-most)
		sentences = sentences[:most]
	}
	return strings.Join(sentences, "; ") + more
}

// Issues lists what is the matter with a machine, worst first.
func (s *Store) Issues(ctx context.Context, machine metal.MachineID) ([]metal.Issue, error) {
	rows, err := s.Queries().OpenIssues(ctx, string(machine))
	all := make([]metal.Issue, len(rows))
	for i, r := range rows {
		all[i] = metal.Issue{
			ID: r.ID, Machine: metal.MachineID(r.Machine), Look: metal.Look(r.Look), Opened: r.OpenedAt, Seen: r.SeenAt,
			Finding: metal.Finding{Kind: metal.IssueKind(r.Kind), Part: r.Part, Detail: r.Detail, Severity: metal.Severity(r.Severity)},
		}
	}
	return all, err
}
