package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/workflows"
)

// fleetBody is how a fleet stands. The run is where to look in Temporal.
type fleetBody struct {
	metal.FleetStatus
	Run     string              `json:"run"`
	Devices []metal.FleetDevice `json:"devices,omitempty"`
}

func fleetAnswer(s metal.FleetStatus) fleetBody {
	return fleetBody{FleetStatus: s, Run: workflows.FleetRun(s.Fleet)}
}

func readFleet(ctx context.Context, store *postgres.Store, id metal.FleetID) (fleetBody, error) {
	status, err := store.Fleet(ctx, id)
	if err != nil {
		return fleetBody{}, err
	}
	answer := fleetAnswer(status)
	answer.Devices, err = store.FleetDevices(ctx, id)
	return answer, err
}

type fleetShowCommand struct {
	ID metal.FleetID `arg:"" name:"fleet" help:"The fleet's ID."`
}

// Run reads the database alone: it answers while Temporal is away.
func (c fleetShowCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	f, err := readFleet(ctx, store, c.ID)
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, f)
	}
	about := &table{}
	about.add("fleet", f.Fleet)
	about.add("state", f.State)
	about.add("outcome", f.Outcome)
	about.add("project", f.Project)
	about.add("plan", f.Plan)
	about.add("batch", f.Batch)
	about.add("run", f.Run)
	about.add("deadline", f.Deadline)
	about.add("devices", fleetCounts(f.FleetStatus))
	if err := about.print(a.out, a.Output); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	devices := &table{columns: []string{"device", "hostname", "site", "state", "machine", "reason"}}
	for _, d := range f.Devices {
		devices.add(d.Device, d.Hostname, d.Site, d.State, d.Machine, d.Reason)
	}
	return devices.print(a.out, a.Output)
}

// fleetCounts are a fleet's devices in a line.
func fleetCounts(f metal.FleetStatus) string {
	return fmt.Sprintf("%d of %d active, %d ordered, %d waiting for a machine, %d failed, %d orders open; enough are %d",
		f.Active, f.Quantity, f.Ordered, f.Waiting, f.Failed, f.Open, f.Enough)
}

type fleetListCommand struct {
	Project metal.ProjectID `env:"-" help:"Only this project's."`
	Limit   int             `env:"-" default:"20" help:"How many."`
}

// Run prints a line for each.
func (c fleetListCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	fleets, err := store.Fleets(ctx, c.Project, c.Limit)
	if err != nil {
		return fmt.Errorf("list fleets: %w", err)
	}
	t := &table{columns: []string{"fleet", "project", "plan", "state", "quantity", "enough", "active", "waiting", "failed", "created_at", "deadline", "outcome"}}
	for _, f := range fleets {
		t.add(f.Fleet, f.Project, f.Plan, f.State, f.Quantity, f.Enough, f.Active, f.Waiting, f.Failed, f.Created, f.Deadline, f.Outcome)
	}
	return t.print(a.out, a.Output)
}

// followFleet says how far a fleet is, each time that it is further, until it
// has ended.
type followFleet struct {
	a     *app
	store *postgres.Store
	fleet metal.FleetID
}

// fleetLookEvery is slower than a device's events are read: a thousand devices
// are counted for each look.
const fleetLookEvery = 500 * time.Millisecond

// run answers errSaid for a fleet that failed. A Postgres that is away for a
// moment is waited for: the fleet goes on meanwhile.
func (f followFleet) run(ctx context.Context) error {
	var last metal.FleetStatus
	for away := false; ; {
		status, err := f.store.Fleet(ctx, f.fleet)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !away:
			away = true
			fmt.Fprintf(f.a.errs, "starter: %s; the fleet goes on, and so does waiting\n", inWords(err))
		case err == nil && status != last:
			away, last = false, status
			if err := f.print(status); err != nil {
				return err
			}
		}
		if err == nil && status.Ended != nil {
			return f.end(status)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(fleetLookEvery):
		}
	}
}

func (f followFleet) print(s metal.FleetStatus) error {
	if f.a.Output == "json" {
		return printJSON(f.a.out, fleetAnswer(s))
	}
	_, err := fmt.Fprintf(f.a.out, "%7.1fs  %s\n", time.Since(s.Created).Seconds(), fleetCounts(s))
	return err
}

func (f followFleet) end(s metal.FleetStatus) error {
	if s.State == "failed" {
		fmt.Fprintf(f.a.errs, "starter: fleet %s failed: %s; more: starter fleet show %s\n", s.Fleet, s.Outcome, s.Fleet)
		return errSaid
	}
	return f.a.said("%s", s.Outcome)
}
