package metal

import "net/netip"

// Profile is what a port is for. Each contains the ones before it: a tenant
// port still has its install link, so a machine can always be booted again.
type Profile string

const (
	Disabled Profile = "disabled" // administratively down
	Parked   Profile = "parked"   // install link and boot services, nothing else, both ways
	Tenant   Profile = "tenant"   // the tenant's links and addresses beside the install link
)

// PortIntent is what a port should be: all that a driver needs to configure
// it, with no word of any switch vendor. Links, Routed and BGP are the tenant's
// and empty unless Tenant. What a machine may send from is not listed: it is
// the machine's ends of its links, Routed, and what BGP lets it announce.
type PortIntent struct {
	Port       Port
	Members    []string // physical interfaces of a bundle, the one that boots first; empty where the port is one interface
	Profile    Profile
	Generation int64          // raised by each change of intent
	Machine    MachineID      // for the description
	Device     DeviceID       // for the description; empty unless Tenant
	Install    Link           // the permanent install link; where DHCP and boot live
	Boot       []netip.Addr   // the site's boot services: DHCP relay targets, and all that Parked reaches
	Advertise  bool           // send router advertisements: firmware that waits for one loses 13 s without (iPXE of 2019)
	Links      []Link         // the tenant's links
	Routed     []netip.Prefix // elastic addresses and routed prefixes, each by way of the machine's end of the family's public link, or else its first
	BGP        *BGP           // nil where the project has it off
}

// Link is a routed point-to-point subnet between a port and its machine: /31
// or /30 for IPv4, /127 for IPv6. The switch has the lower (even) address of a
// /31 or /127, because older network boot firmware takes the odd one for a
// broadcast address when it is the other way round (iPXE before mid-2024).
type Link struct {
	Prefix netip.Prefix // masked: its address is the subnet's first
	Role   Role
}

// Switch is the switch's end of the link: what the tenant calls its gateway.
func (l Link) Switch() netip.Addr {
	if l.Prefix.Bits() == l.Prefix.Addr().BitLen()-1 {
		return l.Prefix.Addr()
	}
	return l.Prefix.Addr().Next() // a /30 spends its first address on the network
}

// Machine is the machine's end of the link.
func (l Link) Machine() netip.Addr { return l.Switch().Next() }

// Role says what an address block, and each lease from it, is for.
type Role string

const (
	Install    Role = "install"    // install links; site-private
	Public     Role = "public"     // devices' links and elastic addresses
	Private    Role = "private"    // devices' links inside
	Management Role = "management" // BMCs and switches
	Loopback   Role = "loopback"   // switches' own addresses, and devices' on two switches
	Connect    Role = "link"       // links between switches
	Anycast    Role = "anycast"    // global: the same address announced from several sites
)

// Lease is a piece of a block, given to a holder: a device, or (install links)
// a port. What it looks like to the machine is its Link.
type Lease struct {
	Prefix  netip.Prefix
	Role    Role
	Site    SiteID
	Elastic bool // assigned from a reservation: routed to the machine, and no link

	Position int // the machine's NIC that it is on, counted from 0; links only
}

// Machine is the machine's own address in the lease: its end of a link, or the
// first address of what is routed to it.
func (l Lease) Machine() netip.Addr {
	if l.Elastic || l.Prefix.IsSingleIP() {
		return l.Prefix.Addr()
	}
	return l.Link().Machine()
}

// Link is the lease seen as a point-to-point subnet.
func (l Lease) Link() Link { return Link{Prefix: l.Prefix, Role: l.Role} }

// PortGeneration is an intent to be read back: a port, and which of its
// intents.
type PortGeneration struct {
	Port       Port
	Generation int64
}
