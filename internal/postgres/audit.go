package postgres

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// farAhead is after whatever will be asked for.
var farAhead = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Changes lists what was asked for, the newest first, and says how much of it
// there is.
func (s *Store) Changes(ctx context.Context, f metal.AuditFilter, page metal.Page) (changes []metal.AuditEntry, total int, err error) {
	if f.Until.IsZero() {
		f.Until = farAhead
	}
	q := s.Queries()
	rows, err := q.ListChanges(ctx, query.ListChangesParams{
		Organization: string(f.Organization), Project: string(f.Project), Since: f.Since, Until: f.Until,
		Caller: f.Caller, Outcome: f.Outcome, Most: int32(page.Limit), Skip: int32(page.Offset),
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list the record of changes: %w", err)
	}
	n, err := q.CountChanges(ctx, query.CountChangesParams{
		Organization: string(f.Organization), Project: string(f.Project), Since: f.Since, Until: f.Until, Caller: f.Caller, Outcome: f.Outcome,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count the record of changes: %w", err)
	}
	changes = make([]metal.AuditEntry, len(rows))
	for i, r := range rows {
		changes[i] = metal.AuditEntry{
			ID: r.ID, At: r.At, Request: r.Request, Caller: r.Caller, Email: r.Email, Key: metal.KeyID(r.Key), Source: r.Source,
			Method: r.Method, Path: r.Path, Organization: metal.OrganizationID(r.Organization), Project: metal.ProjectID(r.Project),
			Thing: r.Thing, Code: int(r.Code), Outcome: r.Outcome,
		}
	}
	return changes, int(n), nil
}

// forgottenAtOnce bounds what one transaction deletes.
const forgottenAtOnce = 5000

// ForgetChanges drops what was asked for longer ago from the record, and says
// how much. Safe to repeat.
func (s *Store) ForgetChanges(ctx context.Context, olderThan time.Duration) (int64, error) {
	return inParts(func() (int64, error) {
		return s.Queries().ForgetChanges(ctx, query.ForgetChangesParams{Older: olderThan, Most: forgottenAtOnce})
	})
}

// ForgetRepeats drops the keys of requests that were done longer ago: whoever
// repeats one then, asks for something new. Safe to repeat.
func (s *Store) ForgetRepeats(ctx context.Context, olderThan time.Duration) (int64, error) {
	return inParts(func() (int64, error) {
		return s.Queries().ForgetRepeats(ctx, query.ForgetRepeatsParams{Older: olderThan, Most: forgottenAtOnce})
	})
}

func inParts(forget func() (int64, error)) (all int64, err error) {
	for {
		n, err := forget()
		all += n
		if err != nil || n < forgottenAtOnce {
			return all, err
		}
	}
}
