package rack

import (
	"fmt"
	"net/netip"
	"time"

	"millwright/internal/metal"
	"millwright/internal/netrack"
	"millwright/internal/sitefile"
)

// Names in the rack's site file. A plan is a kind of firmware, so that an order
// can ask for the one machine that has it.
const (
	Site   metal.SiteID            = "rack1"
	First  metal.OperatingSystemID = "debian_first"
	Second metal.OperatingSystemID = "debian_second"
	cabin  metal.RackID            = "r1"
)

// Plan is what an order names to get the machine with a firmware.
func Plan(f metal.Firmware) metal.PlanID { return metal.PlanID("qemu." + string(f)) }

// patient are limits for an emulated machine on a busy host: five times what
// was measured on two idle cores.
var patient = metal.Limits{Boot: 5 * time.Minute, Install: 6 * time.Minute, PhoneHome: 8 * time.Minute}

// blocks are where addresses come from; the outside routes all of it to the switch.
var blocks = []sitefile.Block{
	{Prefix: netip.MustParsePrefix("10.200.0.0/24"), Role: metal.Install},
	{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Role: metal.Public},
	{Prefix: netip.MustParsePrefix("10.201.0.0/16"), Role: metal.Private},
	{Prefix: netip.MustParsePrefix("2001:db8:b000::/40"), Role: metal.Public},
}

// site describes the rack as its operators would.
func (r *Rack) site() *sitefile.Site {
	sw := r.Net.Switch()
	sw.Site, sw.Credential = Site, switchCredential
	limits := r.options.Limits
	if limits == (metal.Limits{}) {
		limits = patient
	}
	s := &sitefile.Site{
		ID: Site, Metro: "lab", Vouched: true, Boot: []netip.Addr{netrack.BootAddress}, Blocks: blocks,
		BGP:      sitefile.BGP{AS: 65000, PeerAS: 65001, Addresses: []netip.Addr{netrack.SwitchAddress, netrack.SwitchAddress6}},
		Racks:    []metal.RackID{cabin},
		Switches: []sitefile.Switch{{Switch: sw, Rack: cabin}},
	}
	for _, f := range firmwares {
		s.Plans = append(s.Plans, sitefile.Plan{
			ID: Plan(f), Description: "QEMU, started by " + string(f), Cores: cores, MemoryGiB: memoryMiB >> 10,
			DisksGB: []int{diskGB}, Limits: limits, Warm: r.warm(f),
		})
	}
	for id, image := range map[metal.OperatingSystemID]metal.Image{First: r.images.First, Second: r.images.Second} {
		s.OperatingSystems = append(s.OperatingSystems, sitefile.OperatingSystem{
			OperatingSystem: metal.OperatingSystem{
				ID: id, Name: "Debian 12 from packages", Distro: "debian", Version: "12",
				Arch: "x86_64", FirstBoot: metal.CloudInit, Image: image,
			},
			Plans: []metal.PlanID{Plan(metal.BIOS), Plan(metal.UEFI)},
		})
	}
	for i, m := range r.Machines {
		s.Machines = append(s.Machines, r.describe(i, m))
	}
	return s
}

// firmwares are the kinds of machine that there can be.
var firmwares = []metal.Firmware{metal.BIOS, metal.UEFI}

// warm says how many machines of a kind wait in the agent.
func (r *Rack) warm(f metal.Firmware) (n int) {
	for _, m := range r.Machines {
		if r.options.Warm && m.Firmware == f {
			n++
		}
	}
	return n
}

func (r *Rack) describe(i int, m *Machine) sitefile.Machine {
	return sitefile.Machine{
		Unit: i + 1,
		// Debian's iPXE of 2019 waits 13 s for who its router is, where nobody says it.
		Advertise: true,
		Machine: metal.Machine{
			ID: m.ID, Site: Site, Rack: cabin, Plan: Plan(m.Firmware),
			Firmware: m.Firmware, Kexec: true, Port: r.Net.Port(i),
			BMC: metal.BMC{
				Machine: m.ID, Address: m.bmc.lan.String(), Protocol: metal.IPMI,
				Credential: m.credential(), CipherSuite: "3",
			},
		},
		NICs:  []sitefile.NIC{{MAC: m.MAC, Port: r.Net.Port(i)}},
		Disks: []sitefile.Disk{{Serial: m.serial(), SizeGB: diskGB}},
	}
}

const switchCredential = "rack-switch"

func (m *Machine) credential() string { return fmt.Sprintf("bmc-%s", m.ID) }
