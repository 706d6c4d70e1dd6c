package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/secrets"
)

type enrolCommand struct {
	Site       metal.SiteID      `env:"-" required:"" help:"The site where they are."`
	CSV        string            `name:"csv" env:"-" type:"existingfile" placeholder:"FILE" help:"A list, one BMC a line; its first line names its columns: bmc, user, password, name, rack, unit, plan, firmware, switch, port, and if there are any kexec, serial, mac, switch2, port2, mac2, bundle."`
	Columns    map[string]string `env:"-" mapsep:"," placeholder:"OURS=THEIRS" help:"What columns are called in the list: 'bmc=iDRAC IP,password=Default Password'."`
	BMC        []string          `name:"bmc" env:"-" placeholder:"ADDRESSES" help:"Addresses instead of a list: 10.0.0.1-10.0.0.40, 10.0.0.0/27, or single ones."`
	Credential string            `env:"-" placeholder:"NAME" help:"The worker's credential that opens BMCs without a password in the list."`
	Name       pattern           `env:"-" placeholder:"PATTERN" help:"Names of machines, with %d for the unit: r1u%d."`
	Rack       metal.RackID      `env:"-" help:"The rack of all that the list has none for. So are the flags below."`
	Unit       int               `env:"-" help:"The unit of the first; each next one is --height above it. 1 for addresses."`
	Height     int               `env:"-" default:"1" help:"Units from one machine to the next."`
	Plan       metal.PlanID      `env:"-" help:"The plan."`
	Firmware   string            `env:"-" default:"uefi" help:"How they boot: uefi or bios."`
	Kexec      bool              `env:"-" help:"Their drivers survive a kexec."`
	Switch     metal.SwitchID    `env:"-" help:"The switch of their first NIC."`
	Port       pattern           `env:"-" placeholder:"PATTERN" help:"Its ports, with %d for a number that counts from --port-from: xe-0/0/%d."`
	PortFrom   int               `env:"-" help:"The number of the first port."`
	DryRun     bool              `env:"-" help:"Check everything, print what would be enrolled, and write nothing."`
	Wait       bool              `env:"-" help:"Wait until each is idle, in quarantine or refused; exit 1 unless all are idle."`
	Timeout    time.Duration     `env:"-" default:"24h" help:"How long to wait; runs go on by themselves."`

	keysetFlags `embed:""`
}

// Help says what is safe.
func (enrolCommand) Help() string {
	return `Every line is checked before any is written. Passwords are sealed with the
keyset before they are stored, and printed nowhere. The command can be given
again: what was enrolled before is found.`
}

// Run enrols all or nothing of a list, as far as mistakes can be seen here.
func (c enrolCommand) Run(ctx context.Context, a *app) error {
	lines, err := c.lines(a)
	if err != nil {
		return err
	}
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	wishes, err := c.wishes(ctx, a, store, lines)
	if err != nil {
		return err
	}
	seal, err := c.seals(wishes)
	if err != nil || c.DryRun {
		return errors.Join(err, a.printWishes(wishes, err == nil))
	}
	if err := a.enrolAll(ctx, store, wishes, seal); err != nil {
		return err
	}
	if err := a.printWishes(wishes, true); err != nil || !c.Wait {
		return err
	}
	return c.wait(ctx, a, store, wishes)
}

// lines reads the list, or makes one of addresses.
func (c enrolCommand) lines(a *app) ([]enrolLine, error) {
	if (c.CSV == "") == (len(c.BMC) == 0) {
		return nil, usage(errors.New("give a list with --csv, or addresses with --bmc"))
	}
	if err := c.usable(); err != nil {
		return nil, usage(err)
	}
	if c.CSV == "" {
		addresses, err := expand(c.BMC)
		if err != nil {
			return nil, usage(err)
		}
		c.Unit = max(c.Unit, 1)
		var lines []enrolLine
		for _, address := range addresses {
			lines = append(lines, enrolLine{"BMC " + address, map[string]string{"bmc": address}})
		}
		c.fill(lines)
		return lines, nil
	}
	f, err := os.Open(c.CSV)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list := readCSV(f, c.CSV, c.Columns)
	if len(list.unused) > 0 {
		fmt.Fprintf(a.errs, "starter: columns that are not used: %q\n", list.unused)
	}
	if err := a.refuse(list.wrong); err != nil {
		return nil, err
	}
	c.fill(list.lines)
	return list.lines, nil
}

func (c enrolCommand) usable() error {
	if c.Height < 1 || c.Unit < 0 || c.PortFrom < 0 {
		return errors.New("--height is 1 or more, --unit and --port-from are not negative")
	}
	for ours := range c.Columns {
		if !slices.Contains(enrolColumns, ours) {
			return fmt.Errorf("--columns %s=…: no column of ours is called so; there is: %v", ours, enrolColumns)
		}
	}
	return errors.Join(c.Name.fits("name"), c.Port.fits("port"))
}

// refuse prints all that is wrong with a list.
func (a *app) refuse(wrong mistakes) error {
	if len(wrong) == 0 {
		return nil
	}
	for _, m := range wrong {
		fmt.Fprintln(a.errs, harmless(m))
	}
	fmt.Fprintf(a.errs, "starter: mistakes: %d; nothing was enrolled\n", len(wrong))
	return errSaid
}

func (c enrolCommand) wishes(ctx context.Context, a *app, store *postgres.Store, lines []enrolLine) ([]enrolWish, error) {
	check, err := newEnrolCheck(ctx, store.Queries(), c.Site)
	if err != nil {
		return nil, err
	}
	if _, err := store.Queries().GetSite(ctx, string(c.Site)); err != nil {
		return nil, fmt.Errorf("site %s: there is none of this name, or it cannot be read: %w", c.Site, err)
	}
	if check.credential = c.Credential; c.Credential != "" {
		names, err := secrets.Folder(c.Credentials).Names()
		if err != nil {
			return nil, err
		}
		if !names[c.Credential] {
			check.wrong.add("--credential "+c.Credential, "no file of this name is in %s; store it first, as the worker has it", c.Credentials)
		}
	}
	wishes := check.check(lines)
	if len(lines) == 0 {
		check.wrong.add("the list", "it names no BMC")
	}
	return wishes, a.refuse(check.wrong)
}

func (a *app) printWishes(wishes []enrolWish, whole bool) error {
	if !whole {
		return nil
	}
	t := &table{columns: []string{"machine", "bmc", "rack", "unit", "plan", "firmware", "ports", "enrolment", "stands"}}
	for _, w := range wishes {
		var ports []string
		for _, n := range w.NICs {
			ports = append(ports, n.Port.String())
		}
		stands := w.stands
		switch {
		case stands == "" && w.ID == "":
			stands = "would be enrolled"
		case stands == "":
			stands = "enrolled"
		}
		t.add(w.Machine, w.Address, w.Rack, w.Unit, w.Plan, w.Firmware, ports, w.ID, stands)
	}
	return t.print(a.out, a.Output)
}
