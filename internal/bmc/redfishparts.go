package bmc

import (
	"cmp"
	"context"
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

// cpu is a member of a system's Processors, where GPUs stand as well.
type cpu struct {
	Name, ID, Socket, Model word
	Type                    word `json:"ProcessorType"`
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
		name, kind := cmp.Or(one.Socket, one.ID, one.Name), strings.ToLower(string(cmp.Or(one.Type, "CPU")))
		r.Parts = append(r.Parts, metal.Part{Kind: kind, Name: string(name), Health: one.Status.said(), Detail: string(one.Model)})
	}
	return err
}
