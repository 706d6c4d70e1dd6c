package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"millwright/internal/metal"
)

// isFan is whether a percentage is how fast a fan turns.
func isFan(name string) bool { return strings.Contains(strings.ToLower(name), "fan") }

// powerSupply is a member of Power.PowerSupplies, or of a power subsystem's.
type powerSupply struct {
	Name, MemberID, ID  word
	Model, SerialNumber word
	Status              status
}

func (p powerSupply) part() metal.Part {
	name := cmp.Or(p.Name, p.MemberID, p.ID)
	// Vendors call all of them "Power Supply Bay"; the number tells them apart.
	if p.MemberID != "" && !strings.ContainsAny(string(name), "0123456789") {
		name += " " + p.MemberID
	}
	return metal.Part{Kind: "psu", Name: string(name), Health: p.Status.said(), Detail: identity(p.Model, p.SerialNumber)}
}

// identity tells people which one it is.
func identity(model, serial word) string {
	if serial == "" {
		return string(model)
	}
	return strings.TrimSpace(fmt.Sprintf("%s serial %s", model, serial))
}

// location is where a part sits, by the label on the board.
type location struct {
	PartLocation struct{ ServiceLabel word }
}

// dimm is a member of a system's Memory.
type dimm struct {
	Name, ID, DeviceLocator word
	PartNumber              word
	SerialNumber            word
	Status                  status
	Location                location
}

func (m dimm) part() metal.Part {
	name := cmp.Or(m.DeviceLocator, m.Location.PartLocation.ServiceLabel, m.ID, m.Name)
	return metal.Part{Kind: "memory", Name: string(name), Health: m.Status.said(), Detail: identity(m.PartNumber, m.SerialNumber)}
}

// readMemory reads DIMMs: all of them in one request, else those of a machine
// whose summary is not OK.
func (v *visit) readMemory(ctx context.Context, r *metal.Reading) error {
	if whole := v.system.MemorySummary.Status; !v.expands() && (whole.wholeOK() || whole.said() == "ok") {
		r.Parts = append(r.Parts, metal.Part{Kind: "memory", Name: "all", Health: "ok"})
		return nil
	}
	if v.system.Memory.ID == "" {
		return nil
	}
	list, err := members[dimm](ctx, v, v.system.Memory.ID, 1)
	for _, one := range list {
		r.Parts = append(r.Parts, one.part())
	}
	return err
}

// cpu is a member of a system's Processors.
type cpu struct {
	Name, ID, Socket, Model word
	Status                  status
}

func (v *visit) readProcessors(ctx context.Context, r *metal.Reading) error {
	if whole := v.system.ProcessorSummary.Status; !v.expands() && (whole.wholeOK() || whole.said() == "ok") {
		r.Parts = append(r.Parts, metal.Part{Kind: "cpu", Name: "all", Health: "ok"})
		return nil
	}
	if v.system.Processors.ID == "" {
		return nil
	}
	list, err := members[cpu](ctx, v, v.system.Processors.ID, 1)
	for _, one := range list {
		name := cmp.Or(one.Socket, one.ID, one.Name)
		r.Parts = append(r.Parts, metal.Part{Kind: "cpu", Name: string(name), Health: one.Status.said(), Detail: string(one.Model)})
	}
	return err
}

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
		return nil
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
