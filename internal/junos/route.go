package junos

import (
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// ribs are where Junos keeps static routes: IPv4's in the table that needs no
// name, IPv6's in one that does.
func (f family) rib() []step {
	if f.v4 {
		return []step{{tag: "routing-options"}, {tag: "static"}}
	}
	return []step{{tag: "routing-options"}, {tag: "rib", key: "inet6.0"}, {tag: "static"}}
}

// routePieces lead what is routed to a tenant's machine. A disabled or parked
// port has none; what it had, strayRoutes finds.
func routePieces(p metal.PortIntent) []piece {
	if p.Profile != metal.Tenant {
		return nil
	}
	var pieces []piece
	for _, r := range p.Routed {
		place := routePiece(p, r)
		place.want = branch("route", leaf("name", r.String()), leaf("next-hop", hop(p, r).String()))
		pieces = append(pieces, place)
	}
	return pieces
}

func routePiece(p metal.PortIntent, r netip.Prefix) piece {
	return piece{port: p.Port.Name, path: familyOf(r.Addr()).rib(), step: step{tag: "route", key: r.String()}}
}

// hop is the machine's end of the family's public link, or else of its first
// among the tenant's.
func hop(p metal.PortIntent, r netip.Prefix) netip.Addr {
	of := familyOf(r.Addr()).of(p.Links)
	for _, l := range of {
		if l.Role == metal.Public {
			return l.Machine()
		}
	}
	if len(of) == 0 {
		return netip.Addr{}
	}
	return of[0].Machine()
}

// strayRoutes take away routes to the machine that the intent does not have.
// A static route has no name to carry a mark, so it is known by its next hop:
// the other end of a link that the port has, or shall have.
func strayRoutes(p metal.PortIntent, configuration *element) []piece {
	mine := subnets(p, configuration)
	var strays []piece
	for _, f := range []family{inet, inet6} {
		for _, r := range descend(configuration, f.rib()).all("route") {
			prefix, err := netip.ParsePrefix(r.key())
			if err != nil || !leadsInto(r, mine) {
				continue
			}
			if p.Profile != metal.Tenant || !slices.Contains(p.Routed, prefix) {
				strays = append(strays, piece{port: p.Port.Name, path: f.rib(), step: step{tag: "route", key: r.key()}})
			}
		}
	}
	return strays
}

// subnets are the port's, as they are on the switch and as they shall be.
func subnets(p metal.PortIntent, configuration *element) []netip.Prefix {
	var all []netip.Prefix
	if p.Profile != metal.Disabled {
		for _, l := range links(p) {
			all = append(all, l.Prefix)
		}
	}
	families := descend(configuration, append(at(p.Port.Name), step{tag: "unit", key: "0"})).child("family")
	for _, f := range []family{inet, inet6} {
		for _, a := range families.child(f.name).all("address") {
			if prefix, err := netip.ParsePrefix(a.key()); err == nil {
				all = append(all, prefix.Masked())
			}
		}
	}
	return all
}

func leadsInto(route *element, subnets []netip.Prefix) bool {
	for _, h := range route.all("next-hop") {
		to, err := netip.ParseAddr(h.text)
		if err == nil && slices.ContainsFunc(subnets, func(s netip.Prefix) bool { return s.Contains(to) }) {
			return true
		}
	}
	return false
}

// adopt adds to the ports' pieces what the configuration shows to be theirs
// and nobody intends.
func (d *design) adopt(configuration *element) {
	for i := range d.ports {
		p := &d.ports[i]
		p.pieces = append(p.pieces, strayRoutes(p.intent, configuration)...)
		p.pieces = append(p.pieces, strayMembers(p.intent, configuration)...)
	}
}
