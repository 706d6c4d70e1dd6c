package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
)

type machinePowerCommand struct {
	tending `embed:""`
	To      string `arg:"" optional:"" enum:"status,on,off" default:"status" help:"status, on or off; status prints what was last read."`
}

// powerAnswer is the power of a machine, when it was last read.
type powerAnswer struct {
	Machine string         `json:"machine"`
	Power   metal.Power    `json:"power,omitempty"`
	Watts   *float64       `json:"watts,omitempty"`
	Read    *time.Time     `json:"read_at,omitempty"`
	Device  metal.DeviceID `json:"device,omitempty"`
}

// Run switches a machine that nobody may have, or prints what a patrol last read.
func (c machinePowerCommand) Run(ctx context.Context, a *app) error {
	store, m, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	if m.Device != nil && c.To != "status" {
		return fmt.Errorf("machine %s: device %s lives on it; starter power %s %s", m.ID, *m.Device, c.To, *m.Device)
	}
	switch c.To {
	case "on":
		return c.tend(ctx, a, metal.TendOn, "it is on")
	case "off":
		return c.tend(ctx, a, metal.TendOff, "it is off")
	}
	reading, _, _, err := store.Reading(ctx, c.Name)
	if err != nil {
		return fmt.Errorf("machine %s: read its last reading: %w", c.Name, err)
	}
	p := powerAnswer{Machine: m.ID}
	if reading.At.Unix() > 0 {
		p.Power, p.Watts, p.Read = reading.Power, reading.Watts, &reading.At
	}
	if m.Device != nil {
		p.Device = metal.DeviceID(*m.Device)
	}
	if a.Output == "json" {
		return printJSON(a.out, p)
	}
	fmt.Fprintf(a.out, "machine %s: %s\n", p.Machine, machineLine{Power: string(p.Power), Watts: narrow(p.Watts), Read: p.Read}.power())
	if p.Device != "" {
		fmt.Fprintf(a.out, "device %s lives on it: starter power on, off or reboot %s\n", p.Device, p.Device)
	}
	return nil
}
