package junos

import (
	"net/netip"

	"millwright/internal/metal"
)

// filterName is a port's own filter of a family for one direction. A filter
// for each port, not one for all: its addresses are the port's, and it can be
// replaced and removed with the port.
func filterName(p metal.PortIntent, direction string) string { return owned(p.Port.Name, direction) }

// filterPieces are the port's two filters of a family, or that there are none.
func filterPieces(p metal.PortIntent, f family) []piece {
	var in, out []term
	if f.speaks(p) {
		in = input(p, f)
		if p.Profile == metal.Parked {
			out = output(p, f)
		}
	}
	return []piece{filterPiece(p, f, f.in, in), filterPiece(p, f, f.out, out)}
}

func filterPiece(p metal.PortIntent, f family, direction string, terms []term) piece {
	name := filterName(p, direction)
	place := piece{
		port: p.Port.Name,
		path: []step{{tag: "firewall"}, {tag: "family"}, {tag: f.name}},
		step: step{tag: "filter", key: name},
	}
	if len(terms) > 0 {
		place.want = branch("filter", leaf("name", name))
		for _, t := range terms {
			place.want.children = append(place.want.children, t.element(f))
		}
	}
	return place
}

// input is what a machine may send: nothing from an address that is not its
// own (BCP 38), no answers of a DHCP server or relay to the boot services, and
// while parked to the boot services only.
func input(p metal.PortIntent, f family) []term {
	var terms []term
	if f.v4 {
		// A forged relay could claim another port in its option 82.
		terms = append(terms, term{name: "no-dhcp-server", to: f.only(p.Boot), protocol: "udp", fromPort: "67"})
		terms = append(terms, requests(p))
	} else {
		terms = append(terms, discovery(f))
	}
	mine := own(p, f)
	switch {
	case p.Profile == metal.Tenant && len(mine) > 0:
		terms = append(terms, control(p, f, mine)...)
		terms = append(terms, term{name: "own", from: mine, accept: true})
	case p.Profile == metal.Parked && f.v4:
		terms = append(terms, term{name: "boot", from: mine, to: f.only(p.Boot), accept: true})
	}
	return append(terms, rest)
}

// control is what a machine says to the switch itself, up to a limit. Pings
// count wherever they go: to name the switch's ends of all links beside the
// machine's would cost sources times destinations in filter terms.
func control(p metal.PortIntent, f family, mine []netip.Prefix) []term {
	var terms []term
	if p.BGP != nil && listens(p.BGP, f).IsValid() {
		terms = append(terms, term{
			name: "bgp", from: mine, to: []netip.Prefix{host(listens(p.BGP, f))},
			protocol: "tcp", toPort: "179", limit: bgpLimit.name, accept: true,
		})
	}
	return append(terms, term{name: "icmp", from: mine, protocol: f.icmp, limit: icmpLimit.name, accept: true})
}

// rest spells out what Junos does at a filter's end, for whoever reads it.
var rest = term{name: "rest"}

// requests is what a machine without an address says to get one, from 0.0.0.0
// (RFC 2131 section 4.1), and what it broadcasts from its leased address to
// keep it. Only the install link is leased.
func requests(p metal.PortIntent) term {
	return term{
		name: "dhcp", protocol: "udp", fromPort: "68", toPort: "67", limit: dhcpLimit.name, accept: true,
		from: []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 32), host(p.Install.Machine())},
		to:   []netip.Prefix{netip.MustParsePrefix("255.255.255.255/32")},
	}
}

// discovery is IPv6's: from link-local addresses and, before those are proven
// unique, from none (RFC 4862 section 5.4).
func discovery(f family) term {
	return term{
		name: "neighbours", protocol: f.icmp, limit: icmpLimit.name, accept: true,
		from: []netip.Prefix{netip.PrefixFrom(netip.IPv6Unspecified(), 128), linkLocal},
	}
}

var linkLocal = netip.MustParsePrefix("fe80::/10")

// output is what reaches a parked machine: the boot services, and the answers
// of the switch's own relay, which come from its end of the link. In IPv6 it is
// the switch's advertisements alone, because the install link is IPv4.
func output(p metal.PortIntent, f family) []term {
	if !f.v4 {
		return []term{{name: "neighbours", from: []netip.Prefix{linkLocal}, protocol: f.icmp, accept: true}, rest}
	}
	relay := append([]netip.Addr{p.Install.Switch()}, p.Boot...)
	return []term{
		{name: "boot", from: f.only(p.Boot), to: f.only(machines(links(p))), accept: true},
		{name: "dhcp", from: f.only(relay), protocol: "udp", fromPort: "67", toPort: "68", accept: true},
		rest,
	}
}
