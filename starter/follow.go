package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

// lookEvery is how often a device's events are read: a person sees no
// difference to at once, and Postgres does not notice.
const lookEvery = 100 * time.Millisecond

// follow prints a device's events until an order has ended.
type follow struct {
	a      *app
	store  *postgres.Store
	order  metal.OrderID
	device metal.DeviceID
	after  int64     // the last event that is old news
	began  time.Time // of the first event printed, by Postgres's clock as all of them
}

// run answers errSaid for an order that failed. A Postgres that is away for a
// moment is waited for: the order goes on meanwhile.
func (f follow) run(ctx context.Context) error {
	away := false
	for {
		ended, err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !away:
			away = true
			fmt.Fprintf(f.a.errs, "starter: %s; the order goes on, and so does waiting\n", inWords(err))
		case err == nil && ended.State == "failed":
			fmt.Fprintf(f.a.errs, "starter: order %s failed: %s; more: starter status %s\n", f.order, ended.Outcome, f.device)
			return errSaid
		case err == nil && ended.State == "done":
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// look reads the order before the events: what happened until its end is
// printed before the end is.
func (f *follow) look(ctx context.Context) (metal.OrderStatus, error) {
	status, err := f.store.Order(ctx, f.order)
	if err != nil {
		return status, fmt.Errorf("read order %s: %w", f.order, err)
	}
	events, err := f.store.Queries().EventsOfDevice(ctx, query.EventsOfDeviceParams{Device: string(f.device), After: f.after})
	if err != nil {
		return status, fmt.Errorf("read the events of device %s: %w", f.device, err)
	}
	for _, e := range events {
		f.print(e)
		f.after = e.ID
	}
	return status, nil
}

func (f *follow) print(e query.EventsOfDeviceRow) {
	if f.began.IsZero() {
		f.began = e.At
	}
	since := e.At.Sub(f.began).Seconds()
	if f.a.Output == "json" {
		_ = printJSON(f.a.out, map[string]any{"seconds": since, "at": e.At, "kind": e.Kind, "machine": e.Machine, "body": e.Body})
		return
	}
	fmt.Fprintf(f.a.out, "%7.2fs  %-11s %s\n", since, e.Kind, e.Body)
}
