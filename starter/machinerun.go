package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// machineRun is a kind of run on a machine that no device lives on.
type machineRun struct {
	errand metal.Errand
	start  func(temporal.Runs, context.Context, workflows.MachineInput) (temporal.Execution, error)
}

var (
	commissionRun = machineRun{metal.ForCommission, temporal.Runs.StartCommission}
	inspectRun    = machineRun{metal.ForInspect, temporal.Runs.StartInspect}
	retireRun     = machineRun{metal.ForRetire, temporal.Runs.StartRetire}
)

type machineCommissionCommand struct {
	Names       []metal.MachineID `arg:"" optional:"" name:"name" help:"The machines' names."`
	AllEnrolled bool              `env:"-" help:"All machines that came in and were not proven yet, instead."`
	Site        metal.SiteID      `env:"-" help:"With --all-enrolled: only this site's."`
	awaiting    `embed:""`
}

// Run starts a proof of each machine.
func (c machineCommissionCommand) Run(ctx context.Context, a *app) error {
	if (len(c.Names) > 0) == c.AllEnrolled {
		return usage(errors.New("name machines, or give --all-enrolled"))
	}
	all, err := a.fleet(ctx)
	if err != nil {
		return err
	}
	if c.AllEnrolled {
		for _, m := range all {
			if m.State == string(metal.Enrolled) && (c.Site == "" || m.Site == string(c.Site)) {
				c.Names = append(c.Names, metal.MachineID(m.ID))
			}
		}
	}
	return a.onMachines(ctx, commissionRun, c.awaiting, all, c.Names)
}

type machineInspectCommand struct {
	Names    []metal.MachineID `arg:"" name:"name" help:"The machines' names."`
	awaiting `embed:""`
}

// Run starts a look at each machine.
func (c machineInspectCommand) Run(ctx context.Context, a *app) error {
	all, err := a.fleet(ctx)
	if err != nil {
		return err
	}
	return a.onMachines(ctx, inspectRun, c.awaiting, all, c.Names)
}

func (a *app) fleet(ctx context.Context) ([]query.ListFleetRow, error) {
	store, err := a.database(ctx)
	if err != nil {
		return nil, err
	}
	all, err := store.Queries().ListFleet(ctx, query.ListFleetParams{})
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	return all, nil
}

// chosen finds machines by name, and refuses what their runs would refuse,
// before any of them is started.
func chosen(all []query.ListFleetRow, names []metal.MachineID, errand metal.Errand) ([]query.ListFleetRow, error) {
	var found []query.ListFleetRow
	var wrong []error
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		at := slices.IndexFunc(all, func(m query.ListFleetRow) bool { return m.ID == string(name) })
		if at < 0 {
			wrong = append(wrong, fmt.Errorf("machine %s: %w", name, metal.ErrUnknownMachine))
			continue
		}
		m := all[at]
		switch {
		case m.Device != "":
			wrong = append(wrong, fmt.Errorf("%s machine %s: device %s has it; deprovision the device first", errand, name, m.Device))
		case m.State == string(metal.Retired):
			wrong = append(wrong, fmt.Errorf("%s machine %s: it is retired; starter machine restore %s brings it back", errand, name, name))
		default:
			found = append(found, m)
		}
	}
	return found, errors.Join(wrong...)
}

// onMachines runs all at once: what one machine waits for, the others do not.
func (a *app) onMachines(ctx context.Context, kind machineRun, w awaiting, all []query.ListFleetRow, names []metal.MachineID) error {
	machines, err := chosen(all, names, kind.errand)
	if err != nil {
		return err
	}
	if len(machines) == 0 {
		return a.said("no machine is enrolled and not proven yet; see starter machine list")
	}
	if _, err := a.runs(ctx); err != nil {
		return err
	}
	ended := &endings{a: a}
	var going sync.WaitGroup
	for _, m := range machines {
		going.Go(func() { ended.add(a.onMachine(ctx, kind, w, m)) })
	}
	going.Wait()
	return ended.print()
}

// ending is how a run on a machine went, as programs read it.
type ending struct {
	Machine string             `json:"machine"`
	Run     string             `json:"run"`
	State   metal.MachineState `json:"state,omitempty"`  // as the run left it
	Issues  []string           `json:"issues,omitempty"` // what keeps it from the pool
	Error   string             `json:"error,omitempty"`
	waited  bool
}

func (a *app) onMachine(ctx context.Context, kind machineRun, w awaiting, m query.ListFleetRow) ending {
	in := workflows.MachineInput{Machine: metal.MachineID(m.ID), Site: metal.SiteID(m.Site)}
	var result workflows.MachineResult
	run, err := a.conduct(ctx, w, func(ctx context.Context) (temporal.Execution, error) {
		return kind.start(temporal.Runs{Client: a.client}, ctx, in)
	}, &result)
	e := ending{Machine: m.ID, Run: run.ID, State: result.State, Issues: result.Issues, waited: w.Wait}
	if err != nil {
		e.Error = inWords(err)
	}
	return e
}

// endings are printed as they come to people, and together to programs.
type endings struct {
	a   *app
	mu  sync.Mutex
	all []ending
}

func (s *endings) add(e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, e)
	if s.a.Output == "json" {
		return
	}
	switch {
	case e.Error != "":
		fmt.Fprintf(s.a.errs, "starter: machine %s: %s\n", e.Machine, strings.TrimSpace(e.Error))
	case e.waited && e.State != "":
		fmt.Fprintf(s.a.out, "machine %s is %s\n", e.Machine, e.State)
	case e.waited:
		fmt.Fprintf(s.a.out, "machine %s: done; it is as it was before\n", e.Machine)
	default:
		fmt.Fprintf(s.a.out, "machine %s  run %s\n", e.Machine, e.Run)
	}
}

func (s *endings) print() error {
	slices.SortFunc(s.all, func(x, y ending) int { return strings.Compare(x.Machine, y.Machine) })
	if s.a.Output == "json" {
		if err := printJSON(s.a.out, s.all); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(s.all, func(e ending) bool { return e.Error != "" }) {
		return errSaid
	}
	return nil
}
