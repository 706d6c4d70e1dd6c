package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/temporal"
)

type upgradeMove struct {
	From  string   `env:"-" required:"" placeholder:"BUILD" help:"The build whose runs are moved."`
	To    string   `env:"-" required:"" placeholder:"BUILD" help:"The build that they go to: this starter's own release, whose workflows they are held against first."`
	Check bool     `env:"-" help:"Say what could be moved, and move nothing."`
	Runs  []string `arg:"" optional:"" name:"run" help:"Workflow IDs, such as device/3f2…; all that are open on the build where none is given."`
}

// Run moves what can be moved. A run whose history this release's workflows
// would not have written stays: on the other build it would stand still.
func (c upgradeMove) Run(ctx context.Context, a *app) error {
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if b, err := runs.Build(limited, c.To); err != nil {
		return err
	} else if b.State == temporal.Drained {
		return fmt.Errorf("build %s is drained: its workers may be gone; see starter upgrade builds", c.To)
	}
	open, err := c.chosen(ctx, runs)
	if err != nil {
		return err
	}
	t := &table{columns: []string{"run", "type", "outcome"}}
	stay := 0
	for _, run := range open {
		outcome, err := c.move(ctx, runs, run)
		if err != nil {
			return err
		}
		if outcome == otherCode {
			stay++
		}
		t.add(run.ID, run.Type, outcome)
	}
	if err := t.print(a.out, a.Output); err != nil {
		return err
	}
	if stay > 0 {
		return fmt.Errorf("%d runs cannot go on with this release; start workers of build %s again, or end them: temporal workflow terminate --workflow-id RUN; reconcile then settles what they held", stay, c.From)
	}
	return nil
}

// chosen are the open runs of the build, or those of them that were named.
func (c upgradeMove) chosen(ctx context.Context, runs temporal.Runs) ([]temporal.BuildRun, error) {
	open, err := runs.OpenOn(ctx, c.From)
	if err != nil || len(c.Runs) == 0 {
		return open, err
	}
	var chosen []temporal.BuildRun
	for _, id := range c.Runs {
		i := slices.IndexFunc(open, func(r temporal.BuildRun) bool { return r.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("no run %s is open on build %s; see starter upgrade move --from %[2]s --check", id, c.From)
		}
		chosen = append(chosen, open[i])
	}
	return chosen, nil
}

// What became of a run.
const (
	moved     = "moved"
	movable   = "can be moved"
	over      = "has ended"
	otherCode = "cannot be moved: its code is another one here"
)

func (c upgradeMove) move(ctx context.Context, runs temporal.Runs, run temporal.BuildRun) (string, error) {
	outcome, err := movable, runs.CanMove(ctx, run)
	if err == nil && !c.Check {
		outcome, err = moved, runs.Move(ctx, run, c.To)
	}
	switch {
	case errors.Is(err, temporal.ErrOtherCode):
		return otherCode, nil
	case errors.Is(err, metal.ErrRunOver):
		return over, nil
	}
	return outcome, err
}
