package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/workflows"
)

func (a *app) printLeaks(leaks []postgres.Leak) error {
	if a.Output == "json" {
		if leaks == nil {
			leaks = []postgres.Leak{}
		}
		return printJSON(a.out, leaks)
	}
	counts := table{columns: []string{"kind", "leaks"}}
	for _, kind := range postgres.LeakKinds {
		n := 0
		for _, leak := range leaks {
			if leak.Kind == kind {
				n++
			}
		}
		counts.add(kind, n)
	}
	if err := counts.print(a.out, "table"); err != nil {
		return err
	}
	for _, leak := range leaks {
		fmt.Fprintf(a.out, "%s: %s\n", leak.Kind, leak.What)
	}
	return nil
}

type cancelCommand struct {
	ID string `arg:"" name:"order-or-device" help:"An order's ID, or a device's."`
}

// Run cancels the run that works for an order, or on a device, at this moment.
func (c cancelCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	run, device, err := openRun(ctx, store, c.ID)
	if err != nil {
		return err
	}
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	err = runs.Cancel(limited, run)
	if errors.Is(err, metal.ErrRunOver) {
		return fmt.Errorf("%w: device %s is %s, and nothing works on it", err, device.ID, device.State)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "asked %s to stop\n%s\nsee: starter status %s\n", run, comes(run, metal.DeviceState(device.State)), device.ID)
	return err
}

// device is a row as commands speak of it.
type device struct{ ID, State string }

// openRun finds which run an order or a device has: the order's own while it
// waits for the device, the device's from then on.
func openRun(ctx context.Context, store *postgres.Store, id string) (string, device, error) {
	of := id
	order, err := store.Queries().GetOrder(ctx, id)
	switch {
	case err == nil:
		of = order.Device
	case !errors.Is(err, pgx.ErrNoRows):
		return "", device{}, fmt.Errorf("read order %s: %w", id, err)
	}
	d, err := store.Queries().GetDevice(ctx, of)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", device{}, fmt.Errorf("%s: neither an order nor a device: %w", id, metal.ErrUnknownDevice)
	}
	if err != nil {
		return "", device{}, fmt.Errorf("read device %s: %w", of, err)
	}
	found := device{d.ID, d.State}
	switch order.State {
	case "done", "failed":
		return "", found, fmt.Errorf("order %s is %s (%s); there is nothing to cancel", id, order.State, order.Outcome)
	case "wanted":
		return workflows.OrderRun(metal.OrderID(id)), found, nil
	}
	return workflows.DeviceRun(metal.DeviceID(d.ID)), found, nil
}

// comes says what a cancelled run does next: it depends on how far it has come.
func comes(run string, state metal.DeviceState) string {
	switch state {
	case metal.Provisioning:
		return "it takes back what it began: a machine that may hold data is erased first; the device ends failed"
	case metal.Reinstalling:
		return "it stops where it is: the device ends failed and keeps its machine and addresses; reinstall or deprovision it"
	case metal.Deprovisioning:
		return "a deprovision goes on to its end: there is no way back from it"
	case metal.PoweringOn, metal.PoweringOff:
		return "it stops, and the device is as it was last seen"
	}
	return "the order ends before anything was done for it"
}

type retryCommand struct {
	Device metal.DeviceID `arg:"" help:"The device's ID."`
}

// Run hurries the device's run, and prints what it answers.
func (c retryCommand) Run(ctx context.Context, a *app) error {
	runs, err := a.runs(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answer, err := runs.RetryNow(limited, workflows.DeviceRun(c.Device))
	if errors.Is(err, metal.ErrRunOver) {
		return fmt.Errorf("%w: nothing works on device %s", err, c.Device)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, answer)
	return err
}

type releaseCommand struct {
	word   `embed:""`
	Reason string `env:"-" default:"fit, on their word" help:"Why it is fit."`
}

// Run is that of starter machine release, which wants a reason.
func (c releaseCommand) Run(ctx context.Context, a *app) error {
	return machineReleaseCommand{c.word, reason{c.Reason}}.Run(ctx, a)
}
