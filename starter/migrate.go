package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/postgres"
	"millwright/internal/temporal"
)

type migrateCommand struct {
	DatabaseOnly   bool          `xor:"only" env:"-" help:"Leave Temporal alone."`
	TemporalOnly   bool          `xor:"only" env:"-" help:"Leave the database alone."`
	ReconcileEvery time.Duration `default:"30s" help:"How often lost orders and runs are looked for."`
}

// Run migrates the database first: runs that start at once want its tables.
func (c migrateCommand) Run(ctx context.Context, a *app) error {
	if c.ReconcileEvery < time.Second {
		return usage(fmt.Errorf("--reconcile-every %s: want a second or more", c.ReconcileEvery))
	}
	if !c.TemporalOnly {
		dsn, err := a.dsn()
		if err != nil {
			return err
		}
		if err := postgres.Migrate(ctx, dsn); err != nil {
			return err
		}
		fmt.Fprintln(a.out, "database: schema is up to date")
	}
	if c.DatabaseOnly {
		return nil
	}
	cfg := a.Temporal
	cfg.Name, cfg.Log = "starter", a.log
	if err := temporal.Register(ctx, cfg, c.ReconcileEvery); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Temporal: namespace %q, search attributes and the schedule of reconcile (every %s) are up to date\n",
		cfg.Namespace, c.ReconcileEvery)
	return nil
}
