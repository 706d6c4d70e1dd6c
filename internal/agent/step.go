package agent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// kind is a step as the table knows it.
type kind struct {
	name string
	// The deadline is a fixed time and what the bytes take at the slowest rate
	// that is still believed to be progress.
	fixed time.Duration
	rate  int64 // bytes per second; 0 where there is no data
}

// The steps of all jobs. Rates are for the worst that still works: a disk of
// 20 TB that overwrites at 80 MB/s on its inner tracks needs 70 hours, and the
// eraser has tighter limits of its own for commands whose time the device says.
var (
	stepInventory = kind{"inventory", 2 * time.Minute, 0}
	stepCheck     = kind{"check", time.Minute, 0}
	stepErase     = kind{"erase", time.Hour, 20 << 20}
	stepLayout    = kind{"layout", 15 * time.Minute, 1 << 30} // mkfs writes less than a thousandth of a disk
	stepImage     = kind{"image", 20 * time.Minute, 4 << 20}  // a rack at once behind one boot service
	stepFirstBoot = kind{"first-boot", 5 * time.Minute, 0}
	stepRescue    = kind{"rescue", 2 * time.Minute, 0}
	stepKernel    = kind{"kernel", 2 * time.Minute, 0}
	stepBurnIn    = kind{"burn-in", 15 * time.Minute, 0} // and what the tests were given
)

func (k kind) deadline(bytes int64) time.Duration {
	if k.rate == 0 {
		return k.fixed
	}
	return k.fixed + time.Duration(float64(bytes)/float64(k.rate)*float64(time.Second))
}

var errTooLong = errors.New("took longer than it may: see what the machine's log says last")

// step does one step under its deadline, and tells how far it is. A step that
// does not heed its deadline is not waited for: its machine would look busy for
// ever. What is left of it dies with the machine's next reboot.
func step[T any](ctx context.Context, a *agent, k kind, bytes int64, do func(context.Context, Tell) (T, error)) (T, error) {
	limit := k.deadline(bytes)
	inner, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w (%s)", errTooLong, limit.Round(time.Second)))
	defer cancel()
	began := time.Now()
	a.Log.Info("step begins", "step", k.name, "deadline", limit.Round(time.Second))
	a.steps.tell(Step{Step: k.name})
	ended := make(chan result[T], 1)
	go func() {
		value, err := do(inner, func(done, total int64, text string) {
			if inner.Err() == nil {
				a.steps.tell(Step{Step: k.name, Done: done, Total: total, Text: text})
			}
		})
		ended <- result[T]{value, err}
	}()
	got := await(inner, a.Pace.Lenience, ended)
	if got.err == nil {
		a.Log.Info("step ends", "step", k.name, "took", time.Since(began).Round(time.Millisecond))
		return got.value, nil
	}
	if ctx.Err() == nil && inner.Err() != nil {
		return got.value, fmt.Errorf("%s: %w: %w", k.name, context.Cause(inner), got.err)
	}
	return got.value, fmt.Errorf("%s: %w", k.name, got.err)
}

// result is what a step came to. It travels as one, because a step that was
// given up may still end.
type result[T any] struct {
	value T
	err   error
}

func await[T any](ctx context.Context, lenience time.Duration, ended <-chan result[T]) result[T] {
	select {
	case got := <-ended:
		return got
	case <-ctx.Done():
	}
	timer := time.NewTimer(lenience)
	defer timer.Stop()
	select {
	case got := <-ended:
		return got
	case <-timer.C:
		return result[T]{err: ctx.Err()}
	}
}

// only is a step whose success is all that it has to say.
func only(do func(context.Context, Tell) error) func(context.Context, Tell) (struct{}, error) {
	return func(ctx context.Context, tell Tell) (struct{}, error) { return struct{}{}, do(ctx, tell) }
}
