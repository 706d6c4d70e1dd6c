package junos

import (
	"net/netip"

	"millwright/internal/metal"
)

// term is one rule of a filter. Conditions that are empty do not restrict.
type term struct {
	name             string
	from, to         []netip.Prefix
	protocol         string
	fromPort, toPort string
	accept           bool
}

// filterName is a port's own filter for one direction. A filter for each port,
// not one for all: its addresses are the port's, and it can be replaced and
// removed with the port.
func filterName(p metal.PortIntent, direction string) string {
	return mark + "-" + direction + "-" + label(p.Port.Name)
}

// filterPieces are the port's two filters of a family, or that there are none.
func filterPieces(p metal.PortIntent, f family) []piece {
	var in, out []term
	if p.Profile != metal.Disabled && len(f.of(links(p))) > 0 {
		in = input(p, f)
		if p.Profile == metal.Parked {
			out = output(p)
		}
	}
	return []piece{filterPiece(p, f, "in", in), filterPiece(p, f, "out", out)}
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
	allowed := term{name: "own", from: f.only(machines(links(p))), accept: true}
	if p.Profile == metal.Parked {
		allowed.name, allowed.to = "boot", f.only(p.Boot)
	}
	if !f.v4 {
		return []term{discovery(f), allowed, rest}
	}
	// A forged relay could claim another port in its option 82.
	forged := term{name: "no-dhcp-server", to: f.only(p.Boot), protocol: "udp", fromPort: "67"}
	dhcp := discovery(f)
	dhcp.from = append(dhcp.from, allowed.from...) // rebinding is broadcast from the leased address
	return []term{forged, dhcp, allowed, rest}
}

// rest spells out what Junos does at a filter's end, for whoever reads it.
var rest = term{name: "rest"}

// discovery is what a machine without an address must say to get one: DHCP
// from 0.0.0.0 (RFC 2131 section 4.1); in IPv6 neighbour discovery from link-
// local addresses and, before those are proven unique, from none (RFC 4862
// section 5.4).
func discovery(f family) term {
	if f.v4 {
		return term{
			name: "dhcp", protocol: "udp", fromPort: "68", toPort: "67", accept: true,
			from: []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 32)},
			to:   []netip.Prefix{netip.MustParsePrefix("255.255.255.255/32")},
		}
	}
	return term{
		name: "neighbours", protocol: "icmp6", accept: true,
		from: []netip.Prefix{netip.PrefixFrom(netip.IPv6Unspecified(), 128), netip.MustParsePrefix("fe80::/10")},
	}
}

// output is what reaches a parked machine: the boot services, and the answers
// of the switch's own relay, which come from its end of the link. It is IPv4
// alone, because the install link is.
func output(p metal.PortIntent) []term {
	relay := append([]netip.Addr{p.Install.Switch()}, p.Boot...)
	return []term{
		{name: "boot", from: inet.only(p.Boot), to: inet.only(machines(links(p))), accept: true},
		{name: "dhcp", from: inet.only(relay), protocol: "udp", fromPort: "67", toPort: "68", accept: true},
		rest,
	}
}

// machines gives the machine's ends.
func machines(links []metal.Link) []netip.Addr {
	ends := make([]netip.Addr, len(links))
	for i, l := range links {
		ends[i] = l.Machine()
	}
	return ends
}

// element is the rule as Junos writes it.
func (t term) element(f family) *element {
	e := branch("term", leaf("name", t.name))
	from := bare("from")
	from.children = append(from.children, prefixes("source-address", t.from)...)
	from.children = append(from.children, prefixes("destination-address", t.to)...)
	for _, match := range []*element{leaf(f.protocol, t.protocol), leaf("source-port", t.fromPort), leaf("destination-port", t.toPort)} {
		if match.text != "" {
			from.children = append(from.children, match)
		}
	}
	if len(from.children) > 0 {
		e.children = append(e.children, from)
	}
	verdict := "discard"
	if t.accept {
		verdict = "accept"
	}
	e.children = append(e.children, branch("then", bare(verdict)))
	return e
}

func prefixes(match string, of []netip.Prefix) []*element {
	list := make([]*element, len(of))
	for i, p := range of {
		list[i] = branch(match, leaf("name", p.String()))
	}
	return list
}
