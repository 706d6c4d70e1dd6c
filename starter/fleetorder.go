package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"millwright/internal/metal"
	"millwright/workflows"
)

type fleetCommand struct {
	Order  fleetOrderCommand  `cmd:"" help:"Order a fleet: so many devices, all or enough of them, by a deadline."`
	Show   fleetShowCommand   `cmd:"" help:"Show how a fleet stands, and each of its devices."`
	List   fleetListCommand   `cmd:"" help:"List fleets, the newest first."`
	Cancel fleetCancelCommand `cmd:"" help:"End a fleet that is under way: all its devices are given back, and their disks erased."`
}

type fleetOrderCommand struct {
	File string `arg:"" optional:"" type:"existingfile" help:"File with the whole fleet, JSON as in docs/fleet.md; instead of the flags that follow --wait."`
	ID   string `env:"-" name:"id" help:"Your own ID for the fleet: given twice, it is one fleet. Left out, a new one is made." placeholder:"FLEET-ID"`
	Wait bool   `env:"-" help:"Say how far the fleet is until it has ended; exit 1 if it failed."`

	Project   metal.ProjectID         `env:"-" help:"Who pays."`
	Site      []metal.SiteID          `env:"-" help:"Where; given more than once, the devices are dealt to the sites in turn."`
	Plan      metal.PlanID            `env:"-" help:"Which hardware."`
	OS        metal.OperatingSystemID `env:"-" name:"os" help:"Which operating system."`
	Quantity  int                     `env:"-" help:"How many devices, 1 to 1000."`
	Enough    int                     `env:"-" help:"With fewer that are active in time, all are given back. Left out, that is all of them."`
	AtOnce    int                     `env:"-" help:"How many are installed at a time, 1 to 500. Left out, 200."`
	Within    metal.Wait              `env:"-" help:"What is not active by then is given up: 90m, 12h, up to 168h. Left out, 1h." placeholder:"TIME"`
	described `embed:""`
}

// Run gives the order and says what stands, whether or not its run has started
// by then.
func (c fleetOrderCommand) Run(ctx context.Context, a *app) error {
	fleet, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	p, err := office{store, runs, askLimit}.placeFleet(ctx, fleet)
	if err != nil {
		return err
	}
	if err := a.printPlacedFleet(p); err != nil || !c.Wait {
		return err
	}
	return followFleet{a: a, store: store, fleet: fleet.ID}.run(ctx)
}

// read makes the fleet of a file, or of flags.
func (c fleetOrderCommand) read(ctx context.Context, a *app) (metal.Fleet, error) {
	if c.ID == "" {
		c.ID = uuid.NewString()
	}
	raw, err := c.input(ctx, a)
	if err != nil {
		return metal.Fleet{}, err
	}
	fleet, err := metal.ParseFleet(metal.FleetID(c.ID), raw)
	if err != nil {
		return fleet, usage(err)
	}
	return fleet, nil
}

func (c fleetOrderCommand) input(ctx context.Context, a *app) ([]byte, error) {
	if c.File == "" {
		in := metal.FleetInput{
			Device: metal.OrderInput{Project: c.Project, Plan: c.Plan, OperatingSystem: c.OS},
			Sites:  c.Site, Quantity: c.Quantity, Enough: c.Enough, AtOnce: c.AtOnce, Within: c.Within,
		}
		if err := c.describe(ctx, a, &in.Device); err != nil {
			return nil, err
		}
		return json.Marshal(in)
	}
	if c.Project != "" || len(c.Site) > 0 || c.Plan != "" || c.OS != "" || c.Quantity != 0 {
		return nil, usage(fmt.Errorf("%s holds the whole fleet; leave out what it says", c.File))
	}
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return nil, fmt.Errorf("read the fleet: %w", err)
	}
	return raw, nil
}

func (a *app) printPlacedFleet(p placedFleet) error {
	if a.Output == "json" {
		if err := printJSON(a.out, fleetAnswer(p.FleetStatus)); err != nil {
			return err
		}
	} else {
		repeat := ""
		if !p.fresh {
			repeat = ", as it was before: the ID is not new"
		}
		fmt.Fprintf(a.out, "fleet   %s (%s%s)\nbatch   %s\nrun     %s\n", p.Fleet, p.State, repeat, p.Batch, workflows.FleetRun(p.Fleet))
	}
	if p.unsent != nil {
		fmt.Fprintf(a.errs, "starter: Temporal does not answer, but the fleet stands: reconcile starts it once Temporal is back (%s)\n", inWords(p.unsent))
	}
	return nil
}

type fleetCancelCommand struct {
	ID metal.FleetID `arg:"" name:"fleet" help:"The fleet's ID."`
}

// Run asks the fleet's run to end. What it makes of it takes its time: disks are
// erased.
func (c fleetCancelCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	status, err := store.Fleet(ctx, c.ID)
	if err != nil {
		return err
	}
	if status.Ended != nil {
		return fmt.Errorf("fleet %s is %s (%s); there is nothing to cancel: deprovision its devices one by one", c.ID, status.State, status.Outcome)
	}
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	err = runs.CancelFleet(limited, c.ID)
	if errors.Is(err, metal.ErrRunOver) {
		return fmt.Errorf("%w: reconcile starts it again within its interval; cancel it then", err)
	}
	if err != nil {
		return err
	}
	return a.said("asked %s to stop\nall its devices are given back, and their disks erased\nsee: starter fleet show %s", workflows.FleetRun(c.ID), c.ID)
}
