package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

type enrolmentsCommand struct {
	Site  metal.SiteID `env:"-" help:"Only this site's."`
	Open  bool         `env:"-" help:"Only those that nothing came of yet."`
	Limit int32        `env:"-" default:"100" help:"How many, the newest first."`
}

// Run lists BMCs that were named. Passwords stand in no column.
func (c enrolmentsCommand) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 {
		return usage(fmt.Errorf("--limit %d: want 1 or more", c.Limit))
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	rows, err := store.Queries().ListEnrolments(ctx, query.ListEnrolmentsParams{Site: string(c.Site), Most: c.Limit})
	if err != nil {
		return fmt.Errorf("list enrolments: %w", err)
	}
	t := &table{columns: []string{"machine", "site", "bmc", "made_at", "done_at", "outcome", "found", "enrolment"}}
	for _, e := range rows {
		if !c.Open || e.DoneAt == nil {
			t.add(e.Machine, e.Site, e.Address, e.MadeAt, e.DoneAt, harmless(e.Outcome), foundOf(e.Found), e.ID)
		}
	}
	return t.print(a.out, a.Output)
}

// foundOf is who a BMC said that it is, in a few words.
func foundOf(body []byte) string {
	var found metal.MachineIdentity
	if len(body) == 0 || json.Unmarshal(body, &found) != nil {
		return ""
	}
	return harmless(strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", found.Vendor, found.Model, found.Serial)), " "))
}
