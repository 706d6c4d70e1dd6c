package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

type hardwareReservationCommand struct {
	Add  keepCommand     `cmd:"" help:"Keep a machine for a project: its devices alone get it, when they are ordered onto it. Safe to repeat."`
	List listKeptCommand `cmd:"" help:"List what is kept for whom, and whether it is free."`
	End  endKeptCommand  `cmd:"" help:"Let everybody have the machine again. A device that lives on it stays."`
}

type keepCommand struct {
	Machine metal.MachineID `arg:"" help:"The machine."`
	Project metal.ProjectID `env:"-" required:"" help:"The project's ID."`
}

// Run prints the reservation's ID, by which orders name it.
func (c keepCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	id, err := store.KeepMachine(ctx, c.Machine, c.Project, metal.HardwareReservationID(uuid.NewString()))
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return printJSON(a.out, map[string]any{"id": id, "machine": c.Machine, "project": c.Project})
	}
	_, err = fmt.Fprintln(a.out, id)
	return err
}

type listKeptCommand struct {
	Project metal.ProjectID `env:"-" help:"Only this project's."`
}

// Run prints one line for each reservation.
func (c listKeptCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	kept, err := store.HardwareReservations(ctx, c.Project)
	if err != nil {
		return err
	}
	t := &table{columns: []string{"id", "project", "machine", "site", "plan", "state", "device", "provisionable", "since"}}
	for _, r := range kept {
		t.add(r.ID, r.Project, r.Machine, r.Site, r.Plan, r.State, r.Device, r.Provisionable(), r.Made)
	}
	return t.print(a.out, a.Output)
}

type endKeptCommand struct {
	ID metal.HardwareReservationID `arg:"" help:"The reservation's ID."`
}

// Run ends a reservation.
func (c endKeptCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	return store.EndHardwareReservation(ctx, c.ID)
}
