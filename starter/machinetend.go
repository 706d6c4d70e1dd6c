package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// tending is what commands take that do one thing to a machine's BMC, by a
// worker of its site. They wait: what is done takes seconds, or minutes where the
// BMC rests.
type tending struct {
	namedMachine `embed:""`
	Timeout      time.Duration `env:"-" default:"15m" help:"How long to wait for the BMC, and for a run that has the machine."`
}

func (t tending) tend(ctx context.Context, a *app, verb metal.Tending, done string) error {
	_, m, err := t.read(ctx, a)
	if err != nil {
		return err
	}
	run, err := a.conduct(ctx, awaiting{Wait: true, Timeout: t.Timeout}, func(ctx context.Context) (temporal.Execution, error) {
		return temporal.Runs{Client: a.client}.StartTend(ctx, workflows.TendInput{Machine: t.Name, Site: metal.SiteID(m.Site), Verb: verb})
	}, nil)
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"machine": t.Name, "verb": verb, "run": run.ID})
	}
	_, err = fmt.Fprintf(a.out, "machine %s: %s\n", t.Name, done)
	return err
}

type machineReadCommand struct {
	tending `embed:""`
}

// Run has a worker visit the BMC, and what it finds is judged as a patrol's.
func (c machineReadCommand) Run(ctx context.Context, a *app) error {
	return c.tend(ctx, a, metal.TendRead, "it was read; see starter machine health "+string(c.Name))
}

type machineResetBMCCommand struct {
	tending `embed:""`
}

// Run resets the BMC cold; the machine itself goes on.
func (c machineResetBMCCommand) Run(ctx context.Context, a *app) error {
	return c.tend(ctx, a, metal.TendReset, "its BMC was told to start anew, and answers again in some minutes")
}

type machineClearLogCommand struct {
	tending `embed:""`
}

// Run keeps what is in the log before it is cleared.
func (c machineClearLogCommand) Run(ctx context.Context, a *app) error {
	return c.tend(ctx, a, metal.TendClearLog, "its event log was kept and cleared; see starter machine sel "+string(c.Name))
}

type machineRotateCommand struct {
	tending `embed:""`
}

// Run gives the BMC a password that nobody has seen, and prints it nowhere.
func (c machineRotateCommand) Run(ctx context.Context, a *app) error {
	return c.tend(ctx, a, metal.TendPassword, "its BMC has a new password; who must log in by hand: starter secrets show "+string(c.Name))
}
