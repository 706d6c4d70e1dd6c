package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.temporal.io/sdk/worker"

	"millwright/internal/drive"
	"millwright/internal/firstboot"
	"millwright/internal/postgres"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// run serves until ctx ends, then lets activities finish for a moment. Tests
// build and run a worker through it.
func run(ctx context.Context, cfg Config, log *slog.Logger) error {
	if cfg.Garbage > 0 {
		debug.SetGCPercent(cfg.Garbage)
	}
	if !cfg.Control && len(cfg.Site) == 0 {
		return errors.New("nothing to do: want --control, --site NAME, or both")
	}
	if err := cfg.keep().Check(); err != nil {
		return err
	}
	store, err := postgres.Open(ctx, cfg.Postgres)
	if err != nil {
		return err
	}
	defer store.Close()
	store.CheckUserData, store.CheckStorage = firstboot.CheckUserData, drive.CheckLayout
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	handler, err := sdkMetrics(registry)
	if err != nil {
		return fmt.Errorf("set up metrics: %w", err)
	}
	cfg.Temporal.Name, cfg.Temporal.Log, cfg.Temporal.Metrics = "worker", log, handler
	client, err := temporal.Dial(ctx, cfg.Temporal)
	if err != nil {
		return err
	}
	defer client.Close()

	parts, consoles, err := wire(cfg, store, client, registry, log)
	if err != nil {
		return err
	}
	admin, err := serveAdmin(ctx, cfg, registry, store, log)
	if err != nil {
		return err
	}
	defer admin.Close()
	stopConsoles, err := consoles.start(ctx, cfg)
	if err != nil {
		return err
	}
	defer stopConsoles() // after the activities, whose machines are what is read
	for started, w := range parts {
		if err := w.Start(); err != nil {
			stopAll(parts[:started])
			return fmt.Errorf("start polling: %w", err)
		}
	}
	if cfg.Control {
		defer newWaker(store, client, log).start(ctx)()
		defer caller{store: store, line: line(store, client), log: log}.start(ctx)()
	}
	log.Info("worker is polling", "control", cfg.Control, "sites", cfg.Site, "queue", workflows.ControlQueue, "admin", admin.Addr)
	<-ctx.Done()
	log.Info("worker stops: activities under way may finish")
	stopAll(parts)
	return nil
}

func stopAll(parts []worker.Worker) {
	for _, w := range parts {
		w.Stop()
	}
}
