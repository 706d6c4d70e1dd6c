package lab

import (
	"fmt"
	"net/netip"
	"time"

	"millwright/internal/lab/netconf"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
	"millwright/internal/sitefile"
)

// Size says which site to generate.
type Size struct {
	Name     string // of the site
	Prefix   string // of every rack, switch and machine name, where several sites share a Postgres
	Machines int
	Racks    int // as many as it takes, where this is too few
	Net      int // the lab lives in 127.<Net>.0.0/16, so that several live beside each other

	Unproven bool // its machines come in to be commissioned first; else they come in idle
}

const (
	perRack     = 48    // ports of a common top-of-rack switch
	mostOfThem  = 5_000 // BMC addresses run to the third octet 2+5000/200 = 27
	perOctet    = 200
	plan        = "c1.small"
	switchLogin = "switch" // names of credentials; what is behind them lies elsewhere
	bmcLogin    = "bmc"
)

// Generate describes a lab. The same size gives the same site, to the byte.
func Generate(size Size) (*sitefile.Site, error) {
	if size.Machines < 1 || size.Machines > mostOfThem || size.Net < 1 || size.Net > 254 {
		return nil, fmt.Errorf("generate a site of %d machines in 127.%d.0.0/16: want 1 to %d machines, and a net of 1 to 254",
			size.Machines, size.Net, mostOfThem)
	}
	s := &sitefile.Site{
		ID:         metal.SiteID(size.Name),
		Metro:      "lab",
		Vouched:    !size.Unproven,
		Boot:       []netip.Addr{size.address(0, 67)},
		Aggregates: size.aggregates(),
		Blocks:     size.blocks(),
		Plans: []sitefile.Plan{{
			ID: plan, Description: "8 cores, 32 GiB, one SSD", Cores: 8, MemoryGiB: 32, DisksGB: []int{480},
			DiskTypes: []string{"ssd"}, NICMbps: nicMbps,
			Firmware: map[string]string{"bios": redfish.BIOSVersion, "bmc": redfish.BMCVersion},
			Settings: redfish.BIOSSettings(),
			// A lab's machine boots in seconds, and its faults are to be watched.
			Limits: metal.Limits{Boot: 15 * time.Second, Install: 30 * time.Second, PhoneHome: 15 * time.Second},
		}},
	}
	for _, system := range systems {
		known, err := described(system, []metal.PlanID{plan})
		if err != nil {
			return nil, err
		}
		s.OperatingSystems = append(s.OperatingSystems, known)
	}
	racks := min(max(size.Racks, (size.Machines+perRack-1)/perRack), size.Machines)
	for r := range racks {
		s.Racks = append(s.Racks, metal.RackID(fmt.Sprintf("%sr%d", size.Prefix, r+1)))
		s.Switches = append(s.Switches, size.torOf(s, r))
	}
	used := make([]int, racks)
	for i := range size.Machines {
		r := i * racks / size.Machines // machines fill the racks evenly, in order
		s.Machines = append(s.Machines, size.machine(s, i, r, used[r]))
		used[r]++
	}
	return s, nil
}

// address is 127.<net>.<third>.<fourth>.
func (z Size) address(third, fourth int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(z.Net), byte(third), byte(fourth)})
}

// public is set aside for documentation and for benchmarks (RFC 5737, RFC
// 2544): nobody is routed to by mistake.
func (z Size) public() metal.Aggregate {
	if z.Machines > 100 { // a /24 holds 128 links, and released ones rest a while
		return metal.Aggregate{Prefix: netip.MustParsePrefix("198.18.0.0/15"), Registry: "rfc2544"}
	}
	return metal.Aggregate{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Registry: "rfc5737"}
}

// aggregates of a lab; those of its private blocks are assumed.
func (z Size) aggregates() []metal.Aggregate {
	return []metal.Aggregate{z.public(), {Prefix: netip.MustParsePrefix("2001:db8::/32"), Registry: "rfc3849", Note: "documentation"}}
}

// blocks of a lab. That of IPv6 has room for a /56 for each of many projects.
func (z Size) blocks() []sitefile.Block {
	return []sitefile.Block{
		{Prefix: netip.PrefixFrom(z.address(128, 0), 17), Role: metal.Install},
		{Prefix: z.public().Prefix, Role: metal.Public},
		{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(z.Net)}), 16), Role: metal.Private},
		{Prefix: netip.MustParsePrefix(fmt.Sprintf("2001:db8:%02x00::/40", z.Net)), Role: metal.Public},
	}
}

func (z Size) torOf(s *sitefile.Site, r int) sitefile.Switch {
	name := fmt.Sprintf("%stor-r%d", z.Prefix, r+1)
	return sitefile.Switch{Rack: s.Racks[r], Switch: metal.Switch{
		ID:         metal.SwitchID(name),
		Site:       s.ID,
		Address:    netip.AddrPortFrom(z.address(1, r+1), 8300).String(),
		HostKey:    netconf.HostKeyFingerprint(name),
		Credential: switchLogin,
	}}
}

func (z Size) machine(s *sitefile.Site, i, r, place int) sitefile.Machine {
	name := fmt.Sprintf("%sm%d", z.Prefix, i+1)
	firmware := metal.UEFI
	if i%4 == 3 {
		firmware = metal.BIOS // the old ones of the rack
	}
	port := metal.Port{Switch: s.Switches[r].ID, Name: fmt.Sprintf("xe-0/0/%d", place)}
	return sitefile.Machine{
		Unit: place + 1,
		Machine: metal.Machine{
			ID: metal.MachineID(name), Site: s.ID, Rack: s.Racks[r], Plan: plan,
			Firmware: firmware, Kexec: firmware == metal.UEFI, Port: port,
			BMC: metal.BMC{
				Machine:     metal.MachineID(name),
				Address:     netip.AddrPortFrom(z.address(2+i/perOctet, 1+i%perOctet), 8443).String(),
				Protocol:    metal.Redfish,
				Credential:  bmcLogin,
				Fingerprint: redfish.Fingerprint(name),
				Console:     metal.NoConsole,
			},
		},
		// 02 marks a MAC that no vendor gave.
		NICs:  []sitefile.NIC{{MAC: fmt.Sprintf("02:%02x:00:00:%02x:%02x", z.Net, (i+1)>>8, (i+1)&0xff), Port: port}},
		Disks: []sitefile.Disk{{Serial: fmt.Sprintf("LAB%d-%d", z.Net, i+1), SizeGB: 480}},
	}
}
