package junos

import (
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// interfacePieces are a port's description, whether it is down, and its one
// routed unit. The rest of the interface (MTU, speed, the bundle's LACP) is the
// operators', and stays.
func interfacePieces(p metal.PortIntent) []piece {
	path := []step{{tag: "interfaces"}, {tag: "interface", key: p.Port.Name}}
	down := piece{port: p.Port.Name, path: path, step: step{tag: "disable"}}
	if p.Profile == metal.Disabled {
		down.want = bare("disable")
	}
	return []piece{
		{port: p.Port.Name, path: path, step: step{tag: "description"}, want: leaf("description", description(p))},
		down,
		{port: p.Port.Name, path: path, step: step{tag: "unit", key: "0"}, want: unit(p)},
	}
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
		if of := f.of(links(p)); len(of) > 0 {
			families.children = append(families.children, addressing(p, f, of))
		}
	}
	return branch("unit", leaf("name", "0"), families)
}

// addressing is a unit's family: its filters and the switch's ends of its
// links. The install link's is primary, which makes it the relay's giaddr.
func addressing(p metal.PortIntent, f family, links []metal.Link) *element {
	e := branch(f.name, attached(p))
	for _, l := range links {
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
func attached(p metal.PortIntent) *element {
	e := branch("filter", branch("input", leaf("filter-name", filterName(p, "in"))))
	if p.Profile == metal.Parked {
		e.children = append(e.children, branch("output", leaf("filter-name", filterName(p, "out"))))
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
