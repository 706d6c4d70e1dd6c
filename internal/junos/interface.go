package junos

import (
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// at is an interface's place.
func at(name string) []step {
	return []step{{tag: "interfaces"}, {tag: "interface", key: name}}
}

// unitName is the one routed unit of a port, as other hierarchies name it.
func unitName(port string) string { return port + ".0" }

// interfacePieces are a port's description, whether it is down, and its one
// routed unit. The rest of the interface (MTU, speed) is the operators', and
// stays.
func interfacePieces(p metal.PortIntent) []piece {
	return []piece{
		{port: p.Port.Name, path: at(p.Port.Name), step: step{tag: "description"}, want: leaf("description", description(p))},
		downPiece(p.Port.Name, p.Profile == metal.Disabled),
		{port: p.Port.Name, path: at(p.Port.Name), step: step{tag: "unit", key: "0"}, want: unit(p)},
	}
}

// downPiece says whether an interface is administratively down.
func downPiece(port string, down bool) piece {
	place := piece{port: port, path: at(port), step: step{tag: "disable"}}
	if down {
		place.want = bare("disable")
	}
	return place
}

// description tells operators on the switch whose the port is.
func description(p metal.PortIntent) string {
	use := string(p.Profile)
	if p.Profile == metal.Tenant {
		use = string(p.Device)
	}
	return strings.Join([]string{mark, string(p.Machine), use}, " ")
}

// unit is the port's routed unit; a disabled port has none, and with it no
// address that a tenant could still be reached by.
func unit(p metal.PortIntent) *element {
	if p.Profile == metal.Disabled {
		return nil
	}
	families := bare("family")
	for _, f := range []family{inet, inet6} {
		if f.speaks(p) {
			families.children = append(families.children, addressing(p, f))
		}
	}
	return branch("unit", leaf("name", "0"), families)
}

// addressing is a unit's family: its filters and the switch's ends of its
// links. The install link's is primary, which makes it the relay's giaddr.
func addressing(p metal.PortIntent, f family) *element {
	e := branch(f.name, attached(p, f))
	for _, l := range f.of(links(p)) {
		end := netip.PrefixFrom(l.Switch(), l.Prefix.Bits())
		address := branch("address", leaf("name", end.String()))
		if l == p.Install {
			address.children = append(address.children, bare("primary"))
		}
		e.children = append(e.children, address)
	}
	return e
}

// attached binds the port's filters to its unit.
func attached(p metal.PortIntent, f family) *element {
	e := branch("filter", branch("input", leaf("filter-name", filterName(p, f.in))))
	if p.Profile == metal.Parked {
		e.children = append(e.children, branch("output", leaf("filter-name", filterName(p, f.out))))
	}
	return e
}

// managed tells whether an interface is Millwright's: by its description, or
// by its filters where somebody changed that.
func managed(i *element) bool {
	if strings.HasPrefix(i.child("description").value(), mark+" ") {
		return true
	}
	for _, u := range i.all("unit") {
		for _, f := range []family{inet, inet6} {
			if strings.HasPrefix(u.at("family", f.name, "filter", "input", "filter-name").value(), mark+"-") {
				return true
			}
		}
	}
	return false
}

// carriesTenant tells whether an interface has an address that is no install
// link's: that one is primary, and alone.
func carriesTenant(i *element) bool {
	for _, u := range i.all("unit") {
		for _, f := range []family{inet, inet6} {
			for _, a := range u.at("family", f.name).all("address") {
				if a.child("primary") == nil {
					return true
				}
			}
		}
	}
	return false
}
