package firstboot

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metadata"
	"millwright/internal/metal"
)

// network is a machine's interfaces as every form of configuration is made
// from. Elastic addresses are not in it: they are routed to the machine, and
// configured by whoever wants them, as Packet had it.
type network struct {
	NICs      []link         // in the machine's order: eth0, eth1, …
	Bond      *link          // what carries the addresses, where the NICs are one bundle
	Loopback  []netip.Prefix // of a machine on two switches: its tenant announces them by BGP
	Resolvers []netip.Addr
}

// link is an interface with what is configured on it.
type link struct {
	Name      string
	MAC       string         // lower case
	Addresses []netip.Prefix // the machine's end of each link, with the link's length; IPv4 before IPv6
	Gateways  []netip.Addr   // default routes: at most one of each family
	Routes    []route
}

type route struct {
	To  netip.Prefix
	Via netip.Addr
}

func newNetwork(m metal.BootMachine, o Options) (network, error) {
	n := network{Resolvers: o.Resolvers}
	for i, mac := range m.MACs {
		n.NICs = append(n.NICs, link{Name: fmt.Sprintf("eth%d", i), MAC: strings.ToLower(mac)})
	}
	if len(n.NICs) == 0 {
		return n, fmt.Errorf("it has no NIC: %w", ErrNothing)
	}
	if metadata.WiringOf(m) == metadata.Bundle {
		n.Bond = &link{Name: "bond0", MAC: n.NICs[0].MAC}
	}
	for _, l := range inOrder(m.Tenancy.Leases) {
		if l.Prefix.IsSingleIP() {
			n.Loopback = append(n.Loopback, l.Prefix)
			continue
		}
		at := o.Positions[l.Prefix]
		if at < 0 || at >= len(n.NICs) {
			return n, fmt.Errorf("its link %s is said to be on NIC %d of %d; import its site again", l.Prefix, at, len(n.NICs))
		}
		n.carrier(at).add(l, at == 0)
	}
	if len(n.carrier(0).Addresses) == 0 {
		return n, fmt.Errorf("it has no address on its first NIC: %w", ErrNothing)
	}
	return n, nil
}

// carrier is what has the addresses of a NIC: itself, or the bond.
func (n *network) carrier(nic int) *link {
	if n.Bond != nil {
		return n.Bond
	}
	return &n.NICs[nic]
}

// inOrder gives the leases that are configured, IPv4 before IPv6 and public
// before private: a system takes the first address for its own.
func inOrder(leases []metal.Lease) []metal.Lease {
	all := slices.DeleteFunc(slices.Clone(leases), func(l metal.Lease) bool { return l.Elastic })
	rank := func(l metal.Lease) int {
		r := 0
		if l.Prefix.Addr().Is6() {
			r += 2
		}
		if l.Role != metal.Public {
			r++
		}
		return r
	}
	slices.SortStableFunc(all, func(a, b metal.Lease) int { return rank(a) - rank(b) })
	return all
}

// add puts a lease's link on an interface. Only the first NIC has routes: on
// two switches, which of them to take is for the tenant's BGP to say.
func (l *link) add(lease metal.Lease, routed bool) {
	at := lease.Link()
	l.Addresses = append(l.Addresses, netip.PrefixFrom(at.Machine(), lease.Prefix.Bits()))
	switch {
	case !routed:
	case lease.Role == metal.Public && !slices.ContainsFunc(l.Gateways, sameFamily(at.Switch())):
		l.Gateways = append(l.Gateways, at.Switch())
	case lease.Role == metal.Private:
		for _, block := range metadata.PrivateBlocks([]metal.Lease{lease}) {
			l.Routes = append(l.Routes, route{To: block, Via: at.Switch()})
		}
	}
}

func sameFamily(a netip.Addr) func(netip.Addr) bool {
	return func(b netip.Addr) bool { return a.Is4() == b.Is4() }
}
