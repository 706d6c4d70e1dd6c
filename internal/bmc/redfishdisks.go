package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// storage is a disk controller, with its disks or links to them.
type storage struct {
	Name, ID word
	Status   status
	Drives   []json.RawMessage
}

// drive is a disk.
type drive struct {
	Name, ID, Model, SerialNumber word
	Status                        status
	FailurePredicted              bool
	LifeLeft                      figure `json:"PredictedMediaLifeLeftPercent"`
}

// part is the disk in our words. One that predicts its failure is at least a
// warning: firmware has been seen to say "OK" beside it.
func (d drive) part() metal.Part {
	p := metal.Part{
		Kind: "disk", Name: string(cmp.Or(d.SerialNumber, d.Name, d.ID)), Health: d.Status.said(),
		Detail: strings.TrimSpace(fmt.Sprintf("%s %s", d.Name, d.Model)),
	}
	if d.FailurePredicted {
		p.Detail += ", predicts its failure"
		if p.Health == "ok" || p.Health == "" {
			p.Health = "warning"
		}
	}
	if d.LifeLeft.value != nil {
		p.Detail += fmt.Sprintf(", %.0f%% of its life left", *d.LifeLeft.value)
	}
	return p
}

// readDisks reads the disks behind each controller.
func (v *visit) readDisks(ctx context.Context, r *metal.Reading) error {
	if v.system.Storage.ID == "" {
		return v.readSimpleDisks(ctx, r)
	}
	controllers, err := members[storage](ctx, v, v.system.Storage.ID, 2)
	if err != nil {
		return err
	}
	for _, c := range controllers {
		if !v.expands() && c.Status.wholeOK() {
			r.Parts = append(r.Parts, metal.Part{Kind: "disk", Name: "all of " + string(cmp.Or(c.Name, c.ID)), Health: "ok"})
			continue
		}
		if err := v.readDrives(ctx, c, r); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) readDrives(ctx context.Context, c storage, r *metal.Reading) error {
	for _, raw := range c.Drives[:min(len(c.Drives), memberLimit)] {
		raw, err := v.fetched(ctx, raw)
		if err != nil {
			return err
		}
		var one drive
		if json.Unmarshal(raw, &one) == nil {
			r.Parts = append(r.Parts, one.part())
		}
	}
	return nil
}

// readSimpleDisks reads the disks of BMCs that know no more of them than that
// they are there (DSP2046, SimpleStorage).
func (v *visit) readSimpleDisks(ctx context.Context, r *metal.Reading) error {
	if v.system.Simple.ID == "" {
		return nil
	}
	controllers, err := members[struct{ Devices []drive }](ctx, v, v.system.Simple.ID, 1)
	for _, c := range controllers {
		for _, one := range c.Devices {
			r.Parts = append(r.Parts, one.part())
		}
	}
	return err
}
