package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/temporal"
)

// awaiting is what every command takes that starts a run of a switch, an
// address or a session.
type awaiting struct {
	Wait    bool          `env:"-" help:"Wait until the run has ended; exit 1 if it failed."`
	Timeout time.Duration `env:"-" default:"40m" help:"How long to wait; the run goes on by itself. It tries a switch that is away or locked for 30 minutes."`
}

// starting starts one run, or answers temporal.ErrOpen with the one in its way.
type starting func(context.Context) (temporal.Execution, error)

// conduct starts a run and, where that is wanted, waits until it has ended and
// reads its result. Who does not wait is told what the run is called, or that
// another one is open: that one may want something else, so it is not ours.
func (a *app) conduct(ctx context.Context, w awaiting, start starting, result any) (temporal.Execution, error) {
	runs, err := a.runs(ctx)
	if err != nil {
		return temporal.Execution{}, err
	}
	if !w.Wait {
		run, err := ask(ctx, start)
		if errors.Is(err, temporal.ErrOpen) {
			err = fmt.Errorf("%w; give --wait to begin when it has ended, or try again", err)
		}
		return run, err
	}
	limited, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	run, err := a.takeTurn(limited, runs, start)
	if err == nil {
		err = runs.Await(limited, run, result)
	}
	if limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s has not ended after %s, and goes on; what it is at: temporal workflow describe --workflow-id %s", run.ID, w.Timeout, run.ID)
	}
	return run, err
}

// takeTurn starts a run once those of its ID have ended, however they did.
func (a *app) takeTurn(ctx context.Context, runs temporal.Runs, start starting) (temporal.Execution, error) {
	for {
		run, err := ask(ctx, start)
		if !errors.Is(err, temporal.ErrOpen) {
			return run, err
		}
		fmt.Fprintf(a.errs, "starter: an earlier run of %s is open; waiting for its end\n", run.ID)
		_ = runs.Await(ctx, run, nil) // its own caller hears of it
		if ctx.Err() != nil {
			return run, ctx.Err()
		}
	}
}

// ask gives Temporal a moment to answer.
func ask(ctx context.Context, start starting) (temporal.Execution, error) {
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	return start(limited)
}
