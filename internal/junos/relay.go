package junos

import (
	"net/netip"

	"millwright/internal/metal"
)

// relayPath is where Junos keeps its DHCP relay.
var relayPath = []step{{tag: "forwarding-options"}, {tag: "dhcp-relay"}}

// relayPiece relays one port's DHCP to the site's boot services. The circuit-
// id carries the switch's name, because interface names repeat from switch to
// switch. It forwards only: a relay that keeps bindings drops what does not fit
// them, and a machine that boots three times in a minute fits none.
func relayPiece(p metal.PortIntent) piece {
	name := owned(p.Port.Name, "")
	group := piece{port: p.Port.Name, path: relayPath, step: step{tag: "group", key: name}}
	if p.Profile == metal.Disabled {
		return group
	}
	group.want = branch("group",
		leaf("name", name),
		branch("active-server-group", leaf("active-server-group", mark)),
		branch("relay-option-82", branch("circuit-id", branch("prefix", bare("host-name")))),
		bare("forward-only"),
		branch("interface", leaf("name", unitName(p.Port.Name))))
	return group
}

// serverGroup is the site's boot services, which all ports of a switch share.
// The list stands in a container of its own name (Juniper's YANG, 24.4R1).
func serverGroup(boot []netip.Addr) piece {
	group := branch("server-group", leaf("name", mark))
	for _, a := range boot {
		if a.Is4() { // DHCPv6 has a relay of its own, and the install link is IPv4
			group.children = append(group.children, branch("address", leaf("name", a.String())))
		}
	}
	return piece{
		path: append(relayPath[:len(relayPath):len(relayPath)], step{tag: "server-group"}),
		step: step{tag: "server-group", key: mark},
		want: group,
	}
}
