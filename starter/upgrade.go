package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/temporal"
)

// upgradeCommand is what an upgrade of the workers is made of. Each step can be
// repeated, and none of them touches a machine.
type upgradeCommand struct {
	Builds upgradeBuilds `cmd:"" help:"List the builds of workers, and how many runs are open on each."`
	Use    upgradeUse    `cmd:"" help:"Give new runs to a build, as soon as its workers are there. The way back is the same."`
	Drain  upgradeDrain  `cmd:"" help:"Wait until no run is left on a build, and its workers can be stopped."`
	Move   upgradeMove   `cmd:"" help:"Take the open runs of a build to another one: when its workers are gone for good."`
}

type upgradeBuilds struct{}

// Run lists the builds that Temporal knows. It forgets those that are drained
// and have no workers.
func (upgradeBuilds) Run(ctx context.Context, a *app) error {
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	builds, err := runs.Builds(limited)
	if err != nil {
		return err
	}
	t := &table{columns: []string{"build", "state", "open", "since"}}
	for _, b := range builds {
		t.add(b.ID, string(b.State), b.Open, b.Since)
	}
	return t.print(a.out, a.Output)
}

type upgradeUse struct {
	Build  string        `arg:"" help:"What the workers were given as --build-id."`
	Within time.Duration `env:"-" default:"2m" help:"How long to wait for its workers."`
}

const upgradePause = 500 * time.Millisecond

// Run tries until Temporal agrees: it refuses while the build's workers do not
// poll every queue that the current build's do.
func (c upgradeUse) Run(ctx context.Context, a *app) error {
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	for {
		one, done := context.WithTimeout(limited, askLimit)
		refused := runs.MakeCurrent(one, c.Build)
		done()
		if refused == nil {
			_, err := fmt.Fprintf(a.out, "new runs go to %s; runs of other builds end where they are: starter upgrade builds\n", c.Build)
			return err
		}
		select {
		case <-limited.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w; are workers with --build-id %s running, of control and of every site?", refused, c.Build)
		case <-time.After(upgradePause):
		}
	}
}

type upgradeDrain struct {
	Build  string        `arg:"" help:"The build to get rid of."`
	Within time.Duration `env:"-" default:"30h" help:"How long to wait. An undo gives up after a day."`
}

// Run waits for Temporal's own word that a build is drained: it allows for lists
// that are behind, and so comes some minutes after the last run has ended.
func (c upgradeDrain) Run(ctx context.Context, a *app) error {
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	var last temporal.Build
	var failed error
	for {
		b, err := runs.Build(limited, c.Build)
		unknown := errors.Is(err, temporal.ErrUnknownBuild)
		switch {
		case err == nil && b.State == temporal.Drained, unknown && last.State != "": // forgotten: nobody polls, and nothing is left
			_, err := fmt.Fprintf(a.out, "%s is drained: its workers can be stopped\n", c.Build)
			return err
		case unknown:
			return fmt.Errorf("%w; see starter upgrade builds", err)
		case err == nil && b.State == temporal.Current:
			return fmt.Errorf("build %s is current: new runs go to it; first: starter upgrade use ANOTHER", c.Build)
		case err == nil && (b.State != last.State || b.Open != last.Open):
			fmt.Fprintf(a.errs, "starter: %s is %s, runs open: %d\n", b.ID, b.State, b.Open)
		}
		if err == nil {
			last, failed = b, nil
		} else if limited.Err() == nil {
			failed = err
		}
		select {
		case <-limited.Done():
			return c.late(ctx, last, failed)
		case <-time.After(upgradePause):
		}
	}
}

// late says how it stands when the time is over.
func (c upgradeDrain) late(ctx context.Context, last temporal.Build, failed error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed != nil:
		return failed
	}
	return fmt.Errorf("build %s is %s after %s, and %d runs are open on it; see starter upgrade move --from %[1]s --check", c.Build, last.State, c.Within, last.Open)
}
