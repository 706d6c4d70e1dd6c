package main

import (
	"context"
	"log/slog"

	"millwright/internal/postgres"
	"millwright/internal/temporal"
)

// Backends is where Postgres and Temporal are.
type Backends struct {
	Postgres string          `required:"" help:"Postgres connection string. It may hold a password: give it in the environment."`
	Temporal temporal.Config `embed:"" prefix:"temporal-"`
}

// serve wires the boot service to its backends. Neither has to be there for it
// to start.
func serve(ctx context.Context, cfg Config, b Backends, logger *slog.Logger) error {
	store, err := postgres.Open(ctx, b.Postgres)
	if err != nil {
		return err
	}
	defer store.Close()
	b.Temporal.Name, b.Temporal.Log = "boot", logger
	runs, err := temporal.Dial(ctx, b.Temporal)
	if err != nil {
		return err
	}
	defer runs.Close()
	srv, err := open(cfg, store, temporal.Runs{Client: runs}, logger)
	if err != nil {
		return err
	}
	return srv.run(ctx)
}
