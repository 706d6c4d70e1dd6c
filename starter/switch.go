package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/temporal"
	"millwright/workflows"
)

type switchCommand struct {
	List    switchListCommand    `cmd:"" help:"How each switch stands: ports pending, refused and drifting, miscabled machines, its last check."`
	Show    switchShowCommand    `cmd:"" help:"One switch: its ports, what it refused and why, its BGP sessions, machines on the wrong port."`
	Plan    switchPlanCommand    `cmd:"" help:"Print the diff that the next commit would be. Nothing is touched."`
	Check   switchCheckCommand   `cmd:"" help:"Compare a switch with what it should be, now. Nothing is touched. With --wait, exits 1 if something is otherwise."`
	Drift   switchDriftCommand   `cmd:"" help:"Print the ports that the last check found otherwise than they should be, each with its diff."`
	Repair  switchRepairCommand  `cmd:"" help:"Bring a switch's ports to what they should be: now, or (--on, --off) at each check."`
	History switchHistoryCommand `cmd:"" help:"What was committed to a switch, for whom and why; the newest first."`
}

// namedSwitch is what commands on one switch take.
type namedSwitch struct {
	Name metal.SwitchID `arg:"" help:"The switch's name."`
}

// read answers with the switch, or with where its name is to be found.
func (n namedSwitch) read(ctx context.Context, a *app) (*query.Queries, query.Switch, error) {
	store, err := a.database(ctx)
	if err != nil {
		return nil, query.Switch{}, err
	}
	sw, err := store.Queries().GetSwitch(ctx, string(n.Name))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = fmt.Errorf("switch %s: there is none of this name; see starter switch list", n.Name)
	case err != nil:
		err = fmt.Errorf("read switch %s: %w", n.Name, err)
	}
	return store.Queries(), sw, err
}

type switchListCommand struct {
	Site metal.SiteID `env:"-" help:"Only this site's."`
}

// Run prints one line for each switch.
func (c switchListCommand) Run(ctx context.Context, a *app) error {
	return listCommand{What: "switches", Site: c.Site}.Run(ctx, a)
}

type switchPlanCommand struct {
	namedSwitch `embed:""`
	Timeout     time.Duration `env:"-" default:"6m" help:"How long to wait for the switch."`
}

// Run has a worker of the switch's site look, and prints what it saw.
func (c switchPlanCommand) Run(ctx context.Context, a *app) error {
	q, sw, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	var answer string
	_, err = a.conduct(ctx, awaiting{Wait: true, Timeout: c.Timeout}, a.starts(temporal.Runs.StartPlan, sw, false), &answer)
	if err != nil {
		return err
	}
	saved, err := q.Answer(ctx, answer)
	if err != nil {
		return fmt.Errorf("read the plan of switch %s: %w", c.Name, err)
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"switch": c.Name, "at": saved.At, "diff": saved.Body})
	}
	if saved.Body == "" {
		saved.Body = fmt.Sprintf("switch %s: nothing would change\n", c.Name)
	}
	_, err = fmt.Fprint(a.out, harmless(saved.Body))
	return err
}

// starts is a run on a switch, ready to be started.
func (a *app) starts(kind func(temporal.Runs, context.Context, workflows.SwitchInput) (temporal.Execution, error), sw query.Switch, repair bool) starting {
	return func(ctx context.Context) (temporal.Execution, error) {
		runs, err := a.runs(ctx)
		if err != nil {
			return temporal.Execution{}, err
		}
		return kind(runs, ctx, workflows.SwitchInput{Switch: metal.SwitchID(sw.ID), Site: metal.SiteID(sw.Site), Repair: repair})
	}
}

type switchCheckCommand struct {
	namedSwitch `embed:""`
	awaiting    `embed:""`
}

// Run starts a check that repairs nothing, whatever the schedule's do.
func (c switchCheckCommand) Run(ctx context.Context, a *app) error {
	_, sw, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	return a.check(ctx, c.awaiting, sw, false)
}

type switchRepairCommand struct {
	namedSwitch `embed:""`
	On          bool `env:"-" xor:"when" help:"From now on, each check repairs what it finds."`
	Off         bool `env:"-" xor:"when" help:"From now on, checks only report."`
	awaiting    `embed:""`
}

// Run repairs once, or says what the schedule's checks shall do.
func (c switchRepairCommand) Run(ctx context.Context, a *app) error {
	q, sw, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	if !c.On && !c.Off {
		return a.check(ctx, c.awaiting, sw, true)
	}
	if _, err := q.SetRepair(ctx, query.SetRepairParams{ID: sw.ID, Repair: c.On}); err != nil {
		return fmt.Errorf("switch %s: note that it is repaired: %w", sw.ID, err)
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"switch": sw.ID, "repair": c.On})
	}
	does := map[bool]string{true: "repairs what it finds", false: "reports what it finds"}[c.On]
	_, err = fmt.Fprintf(a.out, "switch %s: each check %s from now on\n", sw.ID, does)
	return err
}
