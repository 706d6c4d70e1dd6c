package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/workflows"
)

// Backends is where Postgres and Temporal are.
type Backends struct {
	Postgres          string `required:"" help:"Postgres connection string. It may hold a password: give it in the environment."`
	TemporalAddress   string `default:"127.0.0.1:7233" help:"Temporal's frontend."`
	TemporalNamespace string `default:"default" help:"The namespace that the runs are in."`
}

// serve wires the boot service to its backends. Neither has to be there for it
// to start.
func serve(ctx context.Context, cfg Config, b Backends, logger *slog.Logger) error {
	store, err := postgres.Open(ctx, b.Postgres)
	if err != nil {
		return err
	}
	defer store.Close()
	temporal, err := client.NewLazyClient(client.Options{
		HostPort: b.TemporalAddress, Namespace: b.TemporalNamespace, Logger: log.NewStructuredLogger(logger),
	})
	if err != nil {
		return fmt.Errorf("make a client of Temporal at %s: %w", b.TemporalAddress, err)
	}
	defer temporal.Close()
	srv, err := open(cfg, store, runs{temporal}, logger)
	if err != nil {
		return err
	}
	return srv.run(ctx)
}

// runs tells Temporal's runs what their machines report.
type runs struct{ client client.Client }

// Signal addresses the open run of an ID, whichever it is: the boot number in
// the report tells it whether it is meant.
func (r runs) Signal(ctx context.Context, run string, report metal.Report) error {
	err := r.client.SignalWorkflow(ctx, run, "", workflows.ReportSignal, report)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return fmt.Errorf("signal %s: %w", run, metal.ErrRunOver)
	}
	return err
}
