package firstboot

import (
	"net/netip"
	"slices"
)

// netplan is cloud-init's network configuration of version 2. Only where
// netplan itself reads it is it taken as it stands; elsewhere cloud-init reads
// a part of it, and writes what the system's own programs understand.
type netplan struct {
	Version   int                     `yaml:"version"`
	Ethernets map[string]netplanLink  `yaml:"ethernets"`
	Bonds     map[string]*netplanLink `yaml:"bonds,omitempty"`
}

type netplanLink struct {
	Match      *netplanMatch   `yaml:"match,omitempty"`
	SetName    string          `yaml:"set-name,omitempty"`
	Interfaces []string        `yaml:"interfaces,omitempty"`
	MAC        quoted          `yaml:"macaddress,omitempty"`
	Parameters *netplanBond    `yaml:"parameters,omitempty"`
	DHCP4      bool            `yaml:"dhcp4"`
	DHCP6      bool            `yaml:"dhcp6"`
	AcceptRA   bool            `yaml:"accept-ra"` // switches send them for firmware, which waits for them
	Optional   bool            `yaml:"optional,omitempty"`
	Addresses  []netip.Prefix  `yaml:"addresses,omitempty,flow"`
	Gateway4   *netip.Addr     `yaml:"gateway4,omitempty"`
	Gateway6   *netip.Addr     `yaml:"gateway6,omitempty"`
	Servers    *netplanServers `yaml:"nameservers,omitempty"`
	Routes     []netplanRoute  `yaml:"routes,omitempty"`
}

type netplanMatch struct {
	MAC quoted `yaml:"macaddress"`
}

type netplanBond struct {
	Mode    string `yaml:"mode"`
	Rate    string `yaml:"lacp-rate"`
	Monitor int    `yaml:"mii-monitor-interval"` // ms
	Hash    string `yaml:"transmit-hash-policy"`
}

type netplanServers struct {
	Addresses []netip.Addr `yaml:"addresses,flow"`
}

type netplanRoute struct {
	To     netip.Prefix `yaml:"to"`
	Via    netip.Addr   `yaml:"via"`
	OnLink bool         `yaml:"on-link"`
}

// lacp is what a switch of ours speaks on a bundle. Fast, because a link that
// is half dead eats packets for three seconds then, and else for ninety.
var lacp = netplanBond{Mode: "802.3ad", Rate: "fast", Monitor: 100, Hash: "layer3+4"}

// readByNetplan are the systems whose images have netplan: Ubuntu since 17.10,
// Debian's cloud images since 12.
var readByNetplan = []string{"ubuntu", "debian"}

func (n network) netplan(distro string) netplan {
	plan := netplan{Version: 2, Ethernets: map[string]netplanLink{}}
	byRoutes := slices.Contains(readByNetplan, distro)
	for i, nic := range n.NICs {
		l := netplanLink{Match: &netplanMatch{MAC: quoted(nic.MAC)}, SetName: nic.Name}
		l.address(nic, n.Resolvers, byRoutes)
		// A NIC that is there for a second link must not hold up the boot.
		l.Optional = n.Bond == nil && i > 0
		plan.Ethernets[nic.Name] = l
	}
	if n.Bond != nil {
		bond := &netplanLink{MAC: quoted(n.Bond.MAC), Parameters: &lacp}
		for _, nic := range n.NICs {
			bond.Interfaces = append(bond.Interfaces, nic.Name)
		}
		bond.address(*n.Bond, n.Resolvers, byRoutes)
		plan.Bonds = map[string]*netplanLink{n.Bond.Name: bond}
	}
	return plan
}

// address writes addresses and routes. Default routes have two notations:
// netplan has deprecated gateway4 and gateway6, and cloud-init calls a system
// degraded that has them; while what cloud-init itself writes from a route to
// ::/0 leads to ::/64 (seen in 22.4; later sources read alike), and for
// NetworkManager it files such routes under IPv4.
func (l *netplanLink) address(from link, resolvers []netip.Addr, byRoutes bool) {
	l.Addresses = from.Addresses
	if len(from.Addresses) > 0 && len(resolvers) > 0 {
		l.Servers = &netplanServers{Addresses: resolvers}
	}
	for _, g := range from.Gateways {
		switch {
		case byRoutes:
			l.Routes = append(l.Routes, netplanRoute{To: everywhere(g), Via: g, OnLink: true})
		case g.Is4():
			l.Gateway4 = &g
		default:
			l.Gateway6 = &g
		}
	}
	for _, r := range from.Routes {
		l.Routes = append(l.Routes, netplanRoute{To: r.To, Via: r.Via, OnLink: true})
	}
}

// everywhere is the default route's destination, in the family of its gateway.
func everywhere(gateway netip.Addr) netip.Prefix {
	if gateway.Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}
