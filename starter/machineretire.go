package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

type machineRetireCommand struct {
	namedMachine `embed:""`
	Yes          bool `env:"-" help:"Do not ask whether it is meant."`
	awaiting     `embed:""`
}

// Run asks first: what was on the disks is gone after it.
func (c machineRetireCommand) Run(ctx context.Context, a *app) error {
	all, err := a.fleet(ctx)
	if err != nil {
		return err
	}
	machines, err := chosen(all, []metal.MachineID{c.Name}, metal.ForRetire)
	if err != nil {
		return err
	}
	if err := c.confirm(a, machines[0]); err != nil {
		return err
	}
	if err := a.onMachines(ctx, retireRun, c.awaiting, all, []metal.MachineID{c.Name}); err != nil || !c.Wait || a.Output == "json" {
		return err
	}
	return certificatesCommand{Machine: c.Name}.Run(ctx, a)
}

// confirm asks who sits at a terminal; a program has to say beforehand that it
// means it.
func (c machineRetireCommand) confirm(a *app, m query.ListFleetRow) error {
	if c.Yes {
		return nil
	}
	if _, err := unix.IoctlGetTermios(int(os.Stdin.Fd()), unix.TCGETS); err != nil {
		return usage(errors.New("retire erases the machine's disks, and nobody is here to be asked; give --yes"))
	}
	fmt.Fprintf(a.errs, "Machine %s (%s, serial %s) is %s. Its disks are erased, and it leaves. Type its name to go on: ", m.ID, m.Plan, harmless(cell(m.Serial)), m.State)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != m.ID {
		return errors.New("nothing was done: that is not the machine's name")
	}
	return nil
}
