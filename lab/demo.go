package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"time"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/rig"
)

type demoCommand struct {
	Machines int      `default:"8" help:"How many machines, up to 48 to a rack."`
	Post     lab.Span `default:"0s" help:"How long a machine takes from power on to its first packet: 5s, or 3s-8s."`
	Keep     bool     `help:"Leave everything running until Ctrl-C."`
}

// Run shows one device's life: ordered, reinstalled, taken apart, and nothing
// of it left.
func (c demoCommand) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "Millwright: a data centre on this machine\n\n")
	r, err := rig.Start(ctx, rig.Config{Machines: c.Machines, Post: c.Post, Limits: c.limits(), UI: true, Log: slog.New(startup{out})})
	if err != nil {
		return err
	}
	d := &demo{Rig: r, out: out}
	err = d.life(ctx)
	if err == nil && c.Keep {
		fmt.Fprintf(out, "\nEverything is left running. Ctrl-C ends it.\n  export %s\n", strings.Join(r.Environment(), " "))
		<-ctx.Done()
	}
	return errors.Join(err, r.Stop())
}

// limits give a machine its POST and what a lab's machine needs besides. It
// goes through POST again where its model leaves the agent by a reboot.
func (c demoCommand) limits() metal.Limits {
	const besides = 15 * time.Second
	return metal.Limits{Boot: c.Post.Max + besides, Install: 2 * besides, PhoneHome: c.Post.Max + besides}
}

// demo is a rig that is shown to somebody.
type demo struct {
	*rig.Rig
	out io.Writer
}

func (d *demo) life(ctx context.Context) error {
	d.rack()
	fmt.Fprintf(d.out, "\nWatch the runs: %s\n", d.Stack.UIURL)
	err := d.starter(ctx, "A device is ordered",
		"provision", "--id", "demo-1", "--project", "acme", "--site", string(rig.Site), "--plan", "c1.small", "--os", "debian_12", "--hostname", "web-1", "--wait")
	if err != nil {
		return err
	}
	ordered, err := d.Store.Queries().GetOrder(ctx, "demo-1")
	if err != nil {
		return err
	}
	held, err := d.Addresses(ctx, metal.DeviceID(ordered.Device))
	if err != nil {
		return err
	}
	if err := d.starter(ctx, "It is reinstalled with another system, and keeps its addresses",
		"reinstall", ordered.Device, "--id", "demo-2", "--os", "ubuntu_24_04", "--wait"); err != nil {
		return err
	}
	if kept, err := d.Addresses(ctx, metal.DeviceID(ordered.Device)); err != nil || !slices.Equal(held, kept) {
		return fmt.Errorf("the device held %v and holds %v after its reinstall: %w", held, kept, errors.Join(errors.New("addresses changed"), err))
	}
	fmt.Fprintf(d.out, "  it keeps %s\n", strings.Join(held, ", "))
	if err := d.starter(ctx, "It is taken apart", "deprovision", ordered.Device, "--id", "demo-3", "--wait"); err != nil {
		return err
	}
	leaks, err := d.left(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nactive after %.1f s, reinstalled, deprovisioned, %d leaks\n", ordered.EndedAt.Sub(ordered.WantedAt).Seconds(), leaks)
	if leaks > 0 {
		return fmt.Errorf("%d leaks, listed above", leaks)
	}
	return nil
}

// rack draws what has come up.
func (d *demo) rack() {
	switches, machines := d.Lab.Switches(), d.Lab.Machines()
	fmt.Fprintf(d.out, "\nSite %s has come up in 127.%d.0.0/16\n", rig.Site, d.Net)
	for _, sw := range switches {
		var names []string
		for _, m := range machines {
			if m.Rack == sw.Rack {
				names = append(names, fmt.Sprintf("%s (%s)", m.ID, m.Power))
			}
		}
		shown := names[:min(len(names), 8)]
		more := ""
		if len(names) > len(shown) {
			more = fmt.Sprintf(" and %d more", len(names)-len(shown))
		}
		fmt.Fprintf(d.out, "  %-4s %s: %s%s\n", sw.Rack, sw.ID, strings.Join(shown, " "), more)
	}
}

// starter runs a command line as an operator would, with its words as they come.
func (d *demo) starter(ctx context.Context, what string, args ...string) error {
	fmt.Fprintf(d.out, "\n%s\n  $ starter %s\n", what, strings.Join(args, " "))
	cmd := d.Command(ctx, "starter", args...)
	cmd.Stdout, cmd.Stderr = indented{d.out}, indented{d.out}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("starter %s: it ended with %d; its words are above", args[0], exit.ExitCode())
		}
		return fmt.Errorf("starter %s: %w", args[0], err)
	}
	return nil
}

// left counts what the device left behind, in the database and on the switch.
func (d *demo) left(ctx context.Context) (int, error) {
	leaks, err := d.Leaks(ctx)
	fmt.Fprintf(d.out, "\nLeft behind, in the database, on the switches and on the disks: %d\n", len(leaks))
	for _, leak := range leaks {
		fmt.Fprintf(d.out, "  %s\n", leak)
	}
	return len(leaks), err
}
