package netconf

import (
	"net/netip"
	"slices"
)

// hierarchies are the top levels of a Junos configuration that this switch
// takes; anything else is refused as the real one would.
var hierarchies = []string{
	"version", "groups", "apply-groups", "system", "chassis", "interfaces", "snmp",
	"forwarding-options", "firewall", "policy-options", "routing-options", "protocols",
	"routing-instances", "class-of-service", "virtual-chassis", "vlans", "event-options",
}

// checkSyntax is what the switch refuses when it is told: unknown hierarchies
// and malformed addresses.
func checkSyntax(configuration *node) *rpcError {
	for _, c := range configuration.children {
		if !slices.Contains(hierarchies, c.name) {
			return &rpcError{
				tag: "unknown-element", path: editPath(), message: "syntax error: " + c.name,
				info: []*node{leaf("bad-element", c.name)},
			}
		}
	}
	for _, check := range []func(*node) *rpcError{interfaceSyntax, filterSyntax, relaySyntax, policySyntax, routeSyntax, bgpSyntax} {
		if err := check(configuration); err != nil {
			return err
		}
	}
	return nil
}

func interfaceSyntax(configuration *node) *rpcError {
	for _, i := range configuration.child("interfaces").all("interface") {
		for _, u := range i.all("unit") {
			for _, f := range families(u) {
				path := editPath("interfaces", i.key(), "unit", u.key(), "family", f.name)
				for _, a := range f.all("address") {
					if !isPrefix(a.key(), f.name) {
						return malformed(path, a.key())
					}
				}
			}
		}
	}
	return nil
}

func filterSyntax(configuration *node) *rpcError {
	for _, family := range families(configuration.child("firewall")) {
		for _, filter := range family.all("filter") {
			for _, term := range filter.all("term") {
				path := editPath("firewall family", family.name, "filter", filter.key(), "term", term.key())
				from := term.child("from")
				for _, a := range append(from.all("source-address"), from.all("destination-address")...) {
					if !isPrefix(a.key(), family.name) {
						return malformed(path, a.key())
					}
				}
			}
		}
	}
	return nil
}

func relaySyntax(configuration *node) *rpcError {
	for _, group := range serverGroups(configuration) {
		for _, a := range group.all("address") {
			if _, err := netip.ParseAddr(a.key()); err != nil {
				return malformed(editPath("forwarding-options dhcp-relay server-group", group.key()), a.key())
			}
		}
	}
	return nil
}

// checkReferences is what only a validate or a commit can refuse: names of
// things that do not exist.
func checkReferences(configuration *node) *rpcError {
	for _, i := range configuration.child("interfaces").all("interface") {
		for _, u := range i.all("unit") {
			for _, f := range families(u) {
				path := editPath("interfaces", i.key(), "unit", u.key(), "family", f.name)
				if name := missingFilter(configuration, f); name != "" {
					return refused(path, "Referenced filter '"+name+"' is not defined")
				}
			}
		}
	}
	for _, g := range configuration.at("forwarding-options", "dhcp-relay").all("group") {
		active := g.at("active-server-group", "active-server-group")
		if active != nil && serverGroup(configuration, active.text) == nil {
			return refused(editPath("forwarding-options dhcp-relay group", g.key()),
				"Server group '"+active.text+"' is not defined")
		}
	}
	for _, check := range []func(*node) *rpcError{policerReferences, policyReferences, bgpReferences, bundleRules, sharedAddresses} {
		if err := check(configuration); err != nil {
			return err
		}
	}
	return nil
}

// missingFilter is the first filter that a family of a unit names and nobody
// defined.
func missingFilter(configuration, family *node) string {
	defined := configuration.at("firewall", "family", family.name)
	for _, direction := range []string{"input", "output"} {
		name := family.at("filter", direction, "filter-name")
		if name != nil && !slices.ContainsFunc(defined.all("filter"), func(f *node) bool { return f.key() == name.text }) {
			return name.text
		}
	}
	return ""
}

// families gives the inet and inet6 of a unit or of the firewall.
func families(of *node) []*node {
	return append(of.child("family").all("inet"), of.child("family").all("inet6")...)
}

func serverGroups(configuration *node) []*node {
	return configuration.at("forwarding-options", "dhcp-relay", "server-group").all("server-group")
}

func serverGroup(configuration *node, name string) *node {
	for _, g := range serverGroups(configuration) {
		if g.key() == name {
			return g
		}
	}
	return nil
}

func isPrefix(text, family string) bool {
	p, err := netip.ParsePrefix(text)
	return err == nil && p.Addr().Is4() == (family == "inet")
}

func malformed(path, value string) *rpcError {
	return &rpcError{tag: "invalid-value", path: path, message: "invalid value '" + value + "' in ip prefix or address"}
}
