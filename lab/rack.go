package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"millwright/internal/metal"
	"millwright/internal/rack"
)

type rackCommand struct {
	Firmware []metal.Firmware `default:"bios,uefi" help:"A machine each: bios or uefi."`
	Together bool             `help:"Live all lives at once; else one after the other, so that each is timed alone."`
	Warm     bool             `help:"Idle machines wait in the agent, so that an order needs no POST."`
	Disturb  bool             `help:"In the reinstall kill boot, and pull the machine's plug, while the image is written."`
	TCG      bool             `name:"tcg" help:"Emulate, even where KVM is of use."`
	Keep     bool             `help:"Leave everything running until Ctrl-C."`
}

// Run shows a device's life on each of some real machines. The last line is one
// JSON object.
func (c rackCommand) Run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "Millwright: a rack of real parts on this machine\n\n")
	for _, f := range c.Firmware {
		if f != metal.BIOS && f != metal.UEFI {
			return fmt.Errorf("firmware %q: write bios or uefi", f)
		}
	}
	r, err := rack.Start(ctx, rack.Options{Machines: c.Firmware, Warm: c.Warm, Disturb: c.Disturb, TCG: c.TCG, UI: true, Log: slog.New(startup{out})})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWatch the runs: %s\n", r.Stack.UIURL)
	results, err := c.live(ctx, r, out)
	if err == nil && c.Keep {
		fmt.Fprintf(out, "\nEverything is left running. Ctrl-C ends it.\n  export %s\n", strings.Join(r.Environment(), " "))
		<-ctx.Done()
	}
	if err := errors.Join(err, r.Stop()); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return json.NewEncoder(out).Encode(map[string]any{"machines": results})
}

// live has each machine live its device's life.
func (c rackCommand) live(ctx context.Context, r *rack.Rack, out io.Writer) ([]rack.Result, error) {
	results, errs := make([]rack.Result, len(r.Machines)), make([]error, len(r.Machines))
	var lives sync.WaitGroup
	words := &orderly{out: out}
	for i, m := range r.Machines {
		lives.Go(func() { results[i], errs[i] = r.Life(ctx, m, words) })
		if !c.Together {
			lives.Wait()
		}
	}
	lives.Wait()
	return results, errors.Join(errs...)
}

// orderly is written to by several machines at once.
type orderly struct {
	mu  sync.Mutex
	out io.Writer
}

// Write writes the whole of it.
func (w *orderly) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}
