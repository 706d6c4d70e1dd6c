package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"millwright/internal/metal"
)

// feed keeps the view at what Postgres says.
type feed struct {
	site   metal.SiteID
	store  Machines
	view   *view
	log    *slog.Logger
	reload time.Duration

	// One reader at a time: an older read must not overtake a newer one on its
	// way into the view.
	reading sync.Mutex
}

const (
	readLimit   = 10 * time.Second // a whole site; some thousand rows
	oneLimit    = 2 * time.Second  // one row, while a machine waits for it
	listenAgain = time.Second      // after a lost connection
)

// run listens until ctx ends, and meanwhile reads the whole site again and
// again: a notice can be lost with its connection.
func (f *feed) run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { every(ctx, f.reload, func() { f.refresh(ctx, "") }) })
	for ctx.Err() == nil {
		err := f.store.ListenBoot(ctx, f.site, func(id metal.MachineID) { f.refresh(ctx, id) })
		if ctx.Err() == nil {
			f.log.Warn("listening for changes of machines ended", "site", f.site, "error", err)
		}
		sleep(ctx, listenAgain)
	}
	wg.Wait()
	return nil
}

// refresh reads one machine, or all of them for "". What cannot be read now is
// read at the next reload.
func (f *feed) refresh(ctx context.Context, id metal.MachineID) {
	f.reading.Lock()
	defer f.reading.Unlock()
	var err error
	switch {
	case id == "":
		err = f.readAll(ctx)
	case f.view.has(id):
		err = f.readOne(ctx, id)
	case f.view.age() > listenAgain:
		// A new machine, or one of another site: only the site's whole list tells.
		// Not more often than once a second, or a busy neighbour keeps us reading.
		err = f.readAll(ctx)
	}
	if err != nil && ctx.Err() == nil {
		f.log.Warn("memory may be out of date", "site", f.site, "error", err)
	}
}

func (f *feed) readAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	began := time.Now()
	machines, err := f.store.BootMachines(ctx, f.site)
	if err != nil {
		return fmt.Errorf("read the machines of %s: %w", f.site, err)
	}
	f.view.replace(machines, began)
	return nil
}

func (f *feed) readOne(ctx context.Context, id metal.MachineID) error {
	ctx, cancel := context.WithTimeout(ctx, oneLimit)
	defer cancel()
	m, err := f.store.BootMachine(ctx, id)
	switch {
	case errors.Is(err, metal.ErrUnknownMachine):
		f.view.drop(id)
		return nil
	case err != nil:
		return fmt.Errorf("read machine %s: %w", id, err)
	}
	f.view.put(m)
	return nil
}

// every calls at once and then at each interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, call func()) {
	for ctx.Err() == nil {
		call()
		sleep(ctx, interval)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
