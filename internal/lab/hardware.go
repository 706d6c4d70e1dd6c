package lab

import (
	"net"

	"millwright/internal/inventory"
	"millwright/internal/lab/machine"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
	"millwright/internal/sitefile"
)

// nicMbps is how fast a lab's cables are.
const nicMbps = 10_000

// hardware is what the site file says of a machine: it is as its plan.
func (l *Lab) hardware(m sitefile.Machine) machine.Hardware {
	of := l.plan(m.Plan)
	h := machine.Hardware{
		Vendor: redfish.Vendor, Product: redfish.Model, CPU: redfish.CPU,
		Serial: redfish.Serial(string(m.ID)), UUID: redfish.UUID(string(m.ID)),
		Cores: of.Cores, MemoryGiB: of.MemoryGiB,
	}
	for i, d := range m.Disks {
		disk := machine.Drive{Serial: d.Serial, SizeGB: d.SizeGB, Type: "ssd"}
		if i < len(of.DiskTypes) {
			disk.Type = of.DiskTypes[i]
		}
		h.Disks = append(h.Disks, disk)
	}
	for _, n := range m.NICs {
		h.NICs = append(h.NICs, machine.NIC{MAC: n.MAC, Mbps: max(nicMbps, of.NICMbps), Neighbour: l.neighbour(n)})
	}
	return h
}

func (l *Lab) plan(id metal.PlanID) (of sitefile.Plan) {
	for _, p := range l.config.Site.Plans {
		if p.ID == id {
			return p
		}
	}
	return of
}

// neighbour is what a switch says on the port where a card is plugged in. Junos
// names the physical interface, also where that is part of a bundle.
func (l *Lab) neighbour(n sitefile.NIC) inventory.Neighbour {
	port := n.Port.Name
	if n.Member != "" {
		port = n.Member
	}
	heard := inventory.Neighbour{Chassis: string(n.Port.Switch), Port: port, Description: port, System: string(n.Port.Switch), Software: "Millwright lab"}
	for _, s := range l.config.Site.Switches {
		if s.ID == n.Port.Switch {
			heard.Management, _, _ = net.SplitHostPort(s.Address)
		}
	}
	return heard
}

// behind is the same hardware as the machine's BMC sees it.
func (l *Lab) behind(m sitefile.Machine, h machine.Hardware) redfish.Hardware {
	of := redfish.Usual(string(m.ID))
	of.Firmware, of.CPU, of.Cores, of.MemoryGiB = m.Firmware, h.CPU, h.Cores, h.MemoryGiB
	of.Disks, of.MACs = nil, nil
	for _, d := range h.Disks {
		of.Disks = append(of.Disks, redfish.Disk{Serial: d.Serial, SizeGB: d.SizeGB, Type: d.Type})
	}
	for _, n := range h.NICs {
		of.MACs = append(of.MACs, n.MAC)
	}
	of.Address = m.BMC.Address
	if host, _, err := net.SplitHostPort(m.BMC.Address); err == nil {
		of.Address = host
	}
	return of
}

// twin is the hardware of the machine that a machine is mixed up with; nil in a
// lab of one.
func (l *Lab) twin(id metal.MachineID) *machine.Hardware {
	other := twinOf(l.config.Site, id)
	for _, m := range l.config.Site.Machines {
		if m.ID == other {
			return new(l.hardware(m))
		}
	}
	return nil
}

// machineOf is one machine itself; nil where there is none of that name.
func (l *Lab) machineOf(id metal.MachineID) *machine.Machine {
	for _, m := range l.machines {
		if m.ID() == id {
			return m
		}
	}
	return nil
}

// Twin is the machine that another is mixed up with by some faults: the first
// and the second of a site are twins, the third and the fourth, and so on. One
// that is left over has none.
func (l *Lab) Twin(id metal.MachineID) metal.MachineID { return twinOf(l.config.Site, id) }

func twinOf(s *sitefile.Site, id metal.MachineID) metal.MachineID {
	for i, m := range s.Machines {
		if m.ID == id && i^1 < len(s.Machines) {
			return s.Machines[i^1].ID
		}
	}
	return ""
}
