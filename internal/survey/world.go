package survey

import (
	"net/netip"
	"slices"
	"time"

	"millwright/internal/metal"
)

// Record is a machine as the restored database has it.
type Record struct {
	Machine     metal.MachineID
	State       metal.MachineState
	Device      metal.DeviceID    // that lives on it, or is being installed
	DeviceState metal.DeviceState // empty without one
	Warm        bool              // its agent waits for an order
	Ports       []Port
	Found       Found
}

// Port is a port of a machine, by the records.
type Port struct {
	metal.Port
	Install netip.Prefix
	Open    bool // it is to carry its device
	Pending bool // it was on its way to that when the backup was taken
}

// Found is what was learnt of a machine since the restore.
type Found struct {
	Power   metal.Power
	Kind    metal.IssueKind // why the BMC said nothing
	Problem string
	Looks   int           // how often its BMC was asked
	On      time.Duration // for how long it is known to be on
	Heard   bool          // the agent of the boot on record spoke
	Stray   int64         // a boot that its agent names and nobody here numbered
}

// World is what was seen of a site.
type World struct {
	Carried map[metal.Port]metal.Carried
	Dark    map[metal.SwitchID]bool // could not be read so far
	Leases  map[metal.DeviceID][]netip.Prefix
	// Patience is for how long an agent may be silent, and a machine's BMC.
	Patience time.Duration
	Looks    int // how often a silent BMC is asked before its machine is set aside
}

// own tells whether the records give a prefix to a device.
func (w World) own(device metal.DeviceID, p netip.Prefix) bool {
	return device != "" && slices.Contains(w.Leases[device], p)
}

// tenants are the prefixes on a machine's ports that are no install links, and
// where each is.
func (w World) tenants(r Record) (all []Seen) {
	for _, p := range r.Ports {
		c := w.Carried[p.Port]
		for _, prefix := range c.Prefixes {
			if prefix != p.Install {
				all = append(all, Seen{Prefix: prefix, Port: p.Port, Named: c.Named()})
			}
		}
	}
	return all
}

// Seen is a prefix on a port.
type Seen struct {
	Prefix netip.Prefix
	Port   metal.Port
	Named  metal.DeviceID // by the port's description
}

// dark tells whether any of a machine's switches was not read.
func (w World) dark(r Record) bool {
	return slices.ContainsFunc(r.Ports, func(p Port) bool { return w.Dark[p.Switch] })
}

// Elsewhere is where a device is to be seen that the records have on a machine
// with these ports, or on none: its addresses, or its name, on another port.
func (w World) Elsewhere(device metal.DeviceID, ports []Port) (Seen, bool) {
	for at, c := range w.Carried {
		if slices.ContainsFunc(ports, func(p Port) bool { return p.Port == at }) {
			continue
		}
		for _, p := range c.Prefixes {
			if c.Named() == device || w.own(device, p) {
				return Seen{Prefix: p, Port: at, Named: c.Named()}, true
			}
		}
	}
	return Seen{}, false
}
