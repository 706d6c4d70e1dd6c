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
	SwitchesEvery  time.Duration `default:"15m" help:"How often switches are compared with what they should be."`
	PatrolEvery    time.Duration `default:"10m" help:"How often every machine is read through its BMC."`
}

// Run migrates the database first: runs that start at once want its tables.
func (c migrateCommand) Run(ctx context.Context, a *app) error {
	for flag, every := range map[string]time.Duration{"--reconcile-every": c.ReconcileEvery, "--switches-every": c.SwitchesEvery, "--patrol-every": c.PatrolEvery} {
		if every < time.Second {
			return usage(fmt.Errorf("%s %s: want a second or more", flag, every))
		}
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
	if err := temporal.Register(ctx, cfg, temporal.Every{Reconcile: c.ReconcileEvery, Switches: c.SwitchesEvery, Patrol: c.PatrolEvery}); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Temporal: namespace %q, search attributes and the schedules of reconcile (every %s), switches (every %s) and patrol (every %s) are up to date\n",
		cfg.Namespace, c.ReconcileEvery, c.SwitchesEvery, c.PatrolEvery)
	return nil
}
