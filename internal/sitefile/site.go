package sitefile

import (
	"net/netip"

	"millwright/internal/metal"
)

// Site is what a site file says, in the file's order.
type Site struct {
	ID               metal.SiteID
	Metro            string
	Boot             []netip.Addr      // where the site's boot services listen
	Zones            []metal.Zone      // where names are made
	BGP              BGP               // how machines peer with the switches; zero where they do not
	Aggregates       []metal.Aggregate // where its blocks come from; what is left out is assumed
	Blocks           []Block
	Plans            []Plan
	OperatingSystems []OperatingSystem
	Racks            []metal.RackID
	Switches         []Switch
	Machines         []Machine

	Vouched     bool // its machines were proven before they came here: new ones come in idle
	PowerBudget int  // watts, above which no machine is warmed; 0: the file does not say
}

// BGP is a site's side of the sessions of its tenants' machines.
type BGP struct {
	AS        int64        // the switches'
	PeerAS    int64        // a machine's, where its project has none of its own
	Addresses []netip.Addr // where switches listen; at most one of each family
}

// Block is a range of addresses that leases are cut from.
type Block struct {
	Prefix   netip.Prefix // masked
	Role     metal.Role
	Projects []metal.ProjectID // who may take from it; nil: the file does not say, and whoever may now, still may
}

// Plan is a hardware class that tenants choose by its name.
type Plan struct {
	ID          metal.PlanID
	Description string
	Cores       int
	MemoryGiB   int
	DisksGB     []int // decimal gigabytes, as disks are sold
	Limits      metal.Limits
	Warm        int // idle machines of the site that wait in the agent, for orders that need no POST

	DiskTypes []string          // "nvme", "ssd" or "hdd", one for each of DisksGB; nil: any will do
	NICMbps   int               // that every declared NIC links at, at least; 0: any speed will do
	Firmware  map[string]string // component to the version that its machines should have
	Settings  map[string]string // of the BIOS, by the vendor's names
	BurnIn    metal.BurnIn
	Spares    int // idle machines that each site should have, at least
	Watts     int // of a machine that is on; 0: the file does not say
}

// OperatingSystem is an installable system and the plans it fits.
type OperatingSystem struct {
	metal.OperatingSystem
	Plans []metal.PlanID
}

// Switch is a top-of-rack switch and the rack it stands in.
type Switch struct {
	metal.Switch
	Rack metal.RackID
}

// Machine is a physical server and what is screwed into it. Its Port is the
// first NIC's.
type Machine struct {
	metal.Machine
	Unit  int // rack unit of its lowest edge, counted from 1
	NICs  []NIC
	Disks []Disk

	Advertise bool // router advertisements on its ports, for firmware that waits for them
}

// NIC is one network interface and the port it is cabled to.
type NIC struct {
	MAC    string // lower case, colons
	Port   metal.Port
	Member string // the physical interface where Port is a bundle; else empty
}

// Disk is one drive, known by its serial number: slots move, serials do not.
type Disk struct {
	Serial string
	SizeGB int
}
