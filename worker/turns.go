package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"millwright/activities"
	"millwright/internal/postgres"
	"millwright/internal/temporal"
)

func line(store *postgres.Store, c client.Client) *activities.Line {
	return &activities.Line{Store: store, Runs: temporal.Runs{Client: c}}
}

// caller tells devices that wait for a machine that one is there, as soon as the
// database says so.
type caller struct {
	store *postgres.Store
	line  *activities.Line
	log   *slog.Logger
}

// start listens until stop is called, which returns once nothing runs any more.
func (c caller) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { c.listen(ctx) })
	return func() { cancel(); running.Wait() }
}

func (c caller) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := c.store.ListenTurns(ctx, func() { c.call(ctx) })
		if ctx.Err() != nil {
			return
		}
		c.log.WarnContext(ctx, "devices that wait for a machine are called by reconcile alone until the database answers", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(listenPause):
		}
	}
}

func (c caller) call(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, wakeLimit)
	defer cancel()
	if _, err := c.line.Call(limited); err != nil && ctx.Err() == nil {
		c.log.WarnContext(ctx, "a device that waits for a machine was not called; reconcile will do it", "error", err)
	}
}
