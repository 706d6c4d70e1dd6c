package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
)

type lineCommand struct {
	Site    metal.SiteID    `env:"-" help:"Only the lines at this site."`
	Plan    metal.PlanID    `env:"-" help:"Only the lines for this plan's machines."`
	Project metal.ProjectID `env:"-" help:"Only this project's devices; their places are among all."`
}

// Run prints who waits, in the order of their turns.
func (c lineCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	waiting, err := store.InLine(ctx, c.Site, c.Plan, c.Project)
	if err != nil {
		return fmt.Errorf("read the line: %w", err)
	}
	t := &table{columns: []string{"site", "plan", "place", "waiting", "device", "project", "hostname", "since", "expected", "until"}}
	for _, w := range waiting {
		t.add(w.Site, w.Plan, w.Place, w.Waiting, w.Device, w.Project, w.Hostname, w.Since, whenKnown(w.Expected), w.Until)
	}
	return t.print(a.out, a.Output)
}

// whenKnown is nothing where nobody can say when.
func whenKnown(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
