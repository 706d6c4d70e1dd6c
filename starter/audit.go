package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

type auditCommand struct {
	Organization metal.OrganizationID `env:"-" placeholder:"ID" help:"Only this one's."`
	Project      metal.ProjectID      `env:"-" placeholder:"ID" help:"Only this one's."`
	Caller       string               `env:"-" placeholder:"WHO" help:"Only this one's: an e-mail address, or the ID of a user or key."`
	Since        time.Time            `env:"-" placeholder:"MOMENT" help:"From then on: 2026-01-02T03:04:05Z."`
	Until        time.Time            `env:"-" placeholder:"MOMENT" help:"Before then."`
	Outcome      string               `env:"-" enum:",done,refused" default:"" help:"done, or refused."`
	Limit        int                  `env:"-" default:"100" help:"How many, the newest first."`
}

// Run lists what was asked for through the API.
func (c auditCommand) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 || c.Limit > 1<<20 {
		return usage(fmt.Errorf("--limit %d: want 1 to %d", c.Limit, 1<<20))
	}
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"at", "caller", "source", "method", "path", "code", "outcome", "project", "thing", "request"}}
		changes, _, err := s.Changes(ctx, metal.AuditFilter{
			Organization: c.Organization, Project: c.Project, Caller: c.Caller, Since: c.Since, Until: c.Until, Outcome: c.Outcome,
		}, metal.Page{Limit: c.Limit})
		for _, e := range changes {
			who := e.Email
			if who == "" {
				who = e.Caller
			}
			t.add(e.At, who, e.Source, e.Method, e.Path, e.Code, e.Outcome, string(e.Project), e.Thing, e.Request)
		}
		return t, err
	})
}
