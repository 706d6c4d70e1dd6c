package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// storm plays a schedule: each disturbance begins when it should, and is mended
// after its time, whatever else goes on. When it returns all is mended.
func (w *world) storm(ctx context.Context, schedule []disturbance, rec *recovery) error {
	began := time.Now()
	var side sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	note := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
	}
	for n, d := range schedule {
		if !wait(ctx, time.Until(began.Add(d.At))) {
			break
		}
		side.Go(func() { note(w.suffer(ctx, n, d, rec)) })
	}
	side.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// suffer is one disturbance from its beginning to its end. Recovery counts from
// the moment of a kill or a cut, and from the end of what lasts.
func (w *world) suffer(ctx context.Context, n int, d disturbance, rec *recovery) error {
	w.log.Info("strikes", "kind", d.Kind, "target", d.Target, "length", d.Length.Round(time.Millisecond))
	atOnce := d.Kind == kill || d.Kind == cut
	if atOnce {
		rec.from()
	}
	err := w.strike(n, d)
	wait(ctx, d.Length)
	if !atOnce {
		rec.from()
	}
	return errors.Join(err, w.mend(d))
}

// wait is false where the context ended first.
func wait(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(max(length, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
