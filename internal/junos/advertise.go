package junos

import "millwright/internal/metal"

// advertisement sends router advertisements: on a tenant's IPv6 links, where
// systems learn their gateway from them, and where firmware waits for one and
// loses seconds without. There it names no gateway (a lifetime of 0, RFC 4861
// section 4.2): the switch routes no IPv6 for a machine without an IPv6 link.
func advertisement(p metal.PortIntent) piece {
	place := piece{
		port: p.Port.Name,
		path: []step{{tag: "protocols"}, {tag: "router-advertisement"}},
		step: step{tag: "interface", key: unitName(p.Port.Name)},
	}
	if !inet6.speaks(p) {
		return place
	}
	place.want = branch("interface", leaf("name", unitName(p.Port.Name)))
	if len(inet6.of(links(p))) == 0 {
		place.want.children = append(place.want.children, leaf("default-lifetime", "0"))
	}
	return place
}
