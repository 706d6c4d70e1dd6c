package junos

import (
	"cmp"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// family is one address family, and how Junos spells its match conditions.
type family struct {
	name     string
	v4       bool
	protocol string // the match on the transport protocol
	icmp     string // the protocol of pings and errors, and in IPv6 of neighbour discovery
	in, out  string // what stands in its filters' names
}

// The filters of the two families have names of their own, because the list of
// installed filters (get-firewall-information) has names and no families.
var (
	inet  = family{name: "inet", v4: true, protocol: "protocol", icmp: "icmp", in: "in", out: "out"}
	inet6 = family{name: "inet6", protocol: "next-header", icmp: "icmp6", in: "in6", out: "out6"}
)

// of gives the links of the family.
func (f family) of(links []metal.Link) []metal.Link {
	return slices.DeleteFunc(slices.Clone(links), func(l metal.Link) bool { return l.Prefix.Addr().Is4() != f.v4 })
}

// only gives the addresses of the family, each as the prefix of one host.
func (f family) only(addresses []netip.Addr) []netip.Prefix {
	var hosts []netip.Prefix
	for _, a := range addresses {
		if a.Is4() == f.v4 {
			hosts = append(hosts, host(a))
		}
	}
	slices.SortFunc(hosts, inOrder)
	return hosts
}

// prefixes keeps those of the family.
func (f family) prefixes(of []netip.Prefix) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(of), func(p netip.Prefix) bool { return p.Addr().Is4() != f.v4 })
}

// host is an address as a prefix of nothing else.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// inOrder sorts by address, the wider first.
func inOrder(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// links gives the install link and, on a tenant's port, the tenant's.
func links(p metal.PortIntent) []metal.Link {
	if p.Profile != metal.Tenant {
		return []metal.Link{p.Install}
	}
	return append([]metal.Link{p.Install}, p.Links...)
}

// machines gives the machine's ends.
func machines(links []metal.Link) []netip.Addr {
	ends := make([]netip.Addr, len(links))
	for i, l := range links {
		ends[i] = l.Machine()
	}
	return ends
}

// speaks tells whether the family is on the port's interface: by a link, or
// for router advertisements alone, which IPv6 sends from its link-local end.
func (f family) speaks(p metal.PortIntent) bool {
	if p.Profile == metal.Disabled {
		return false
	}
	return len(f.of(links(p))) > 0 || (!f.v4 && p.Advertise)
}

// own is what a machine may send from: its ends of its links, what is routed
// to it and what it may announce. Prefixes that others contain are left out and
// halves of one are joined: most switches spend a filter term on each and join
// none by themselves (Juniper KB30953).
func own(p metal.PortIntent, f family) []netip.Prefix {
	all := f.only(machines(links(p)))
	if p.Profile == metal.Tenant {
		all = append(all, f.prefixes(p.Routed)...)
		if p.BGP != nil {
			all = append(all, f.prefixes(p.BGP.Announce)...)
		}
	}
	return fewest(all)
}

// fewest covers the same addresses with as few prefixes as can be.
func fewest(prefixes []netip.Prefix) []netip.Prefix {
	slices.SortFunc(prefixes, inOrder)
	var few []netip.Prefix
	for _, p := range prefixes {
		if n := len(few); n > 0 && few[n-1].Contains(p.Addr()) {
			continue
		}
		few = append(few, p)
		for n := len(few); n > 1 && halves(few[n-2], few[n-1]); n-- {
			few[n-2] = netip.PrefixFrom(few[n-2].Addr(), few[n-2].Bits()-1)
			few = few[:n-1]
		}
	}
	return few
}

// halves tells whether two prefixes, the first below the second, make one.
func halves(a, b netip.Prefix) bool {
	if a.Bits() != b.Bits() || a.Bits() == 0 {
		return false
	}
	whole := netip.PrefixFrom(a.Addr(), a.Bits()-1)
	return whole == whole.Masked() && whole.Contains(b.Addr())
}

func sorted(addresses []netip.Addr) []netip.Addr {
	all := slices.Clone(addresses)
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}
