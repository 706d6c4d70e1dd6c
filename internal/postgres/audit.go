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
