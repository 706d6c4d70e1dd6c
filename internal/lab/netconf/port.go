package netconf

import (
	"net/netip"
	"strings"
)

// PortState is what the running configuration makes of a port. The zero value
// is a port that nobody configured: it forwards and relays nothing.
type PortState struct {
	Up        bool           // configured, and not disabled
	Install   netip.Prefix   // unit 0's primary address, the switch's end: what a relay writes as giaddr
	Addresses []netip.Prefix // every address of unit 0, the switch's ends, in the order of the configuration
	Relay     []netip.Addr   // DHCP servers that this port's unit is relayed to
}

// ports reads every port's state out of a configuration.
func ports(configuration *node) map[string]PortState {
	relays := relays(configuration)
	states := make(map[string]PortState)
	for _, i := range configuration.child("interfaces").all("interface") {
		if i.child("disable") != nil {
			states[i.key()] = PortState{}
			continue
		}
		state := PortState{Up: true, Relay: relays[i.key()+".0"]}
		for _, u := range i.all("unit") {
			if u.key() == "0" {
				state.addresses(u)
			}
		}
		states[i.key()] = state
	}
	return states
}

// addresses reads a unit's. Where no address is marked primary, Junos takes
// the numerically lowest; this switch takes the first.
func (s *PortState) addresses(unit *node) {
	for _, family := range families(unit) {
		for _, a := range family.all("address") {
			prefix, err := netip.ParsePrefix(a.key())
			if err != nil {
				continue // checkSyntax lets none in
			}
			s.Addresses = append(s.Addresses, prefix)
			if prefix.Addr().Is4() && (a.child("primary") != nil || !s.Install.IsValid()) {
				s.Install = prefix
			}
		}
	}
}

// relays maps each interface unit, "xe-0/0/7.0", to the servers of its group.
// A group without servers of its own uses those of the whole relay, as Junos
// has it inherit every statement that it does not override.
func relays(configuration *node) map[string][]netip.Addr {
	relay := configuration.at("forwarding-options", "dhcp-relay")
	servers := make(map[string][]netip.Addr)
	for _, group := range relay.all("group") {
		active := group.at("active-server-group", "active-server-group")
		if active == nil {
			active = relay.at("active-server-group", "active-server-group")
		}
		if active == nil {
			continue
		}
		for _, i := range group.all("interface") {
			unit := i.key()
			if !strings.Contains(unit, ".") {
				unit += ".0"
			}
			servers[unit] = addresses(serverGroup(configuration, active.text))
		}
	}
	return servers
}

func addresses(group *node) []netip.Addr {
	var found []netip.Addr
	for _, a := range group.all("address") {
		if addr, err := netip.ParseAddr(a.key()); err == nil {
			found = append(found, addr)
		}
	}
	return found
}
