package netconf

import (
	"net/netip"
	"slices"
	"strconv"
)

func policySyntax(configuration *node) *rpcError {
	for _, list := range configuration.child("policy-options").all("prefix-list") {
		for _, item := range list.all("prefix-list-item") {
			if _, err := netip.ParsePrefix(item.key()); err != nil {
				return malformed(editPath("policy-options prefix-list", list.key()), item.key())
			}
		}
	}
	return nil
}

// routeSyntax takes IPv6's static routes in their own table only.
func routeSyntax(configuration *node) *rpcError {
	options := configuration.child("routing-options")
	tables := map[string]*node{"inet": options.child("static")}
	for _, rib := range options.all("rib") {
		if rib.key() == "inet6.0" {
			tables["inet6"] = rib.child("static")
		}
	}
	for family, static := range tables {
		for _, r := range static.all("route") {
			path := editPath("routing-options static route", r.key())
			if !isPrefix(r.key(), family) {
				return malformed(path, r.key())
			}
			for _, hop := range r.all("next-hop") {
				if a, err := netip.ParseAddr(hop.text); err != nil || a.Is4() != (family == "inet") {
					return malformed(path, hop.text)
				}
			}
		}
	}
	return nil
}

func bgpSyntax(configuration *node) *rpcError {
	for _, g := range configuration.at("protocols", "bgp").all("group") {
		path := editPath("protocols bgp group", g.key())
		for _, as := range []*node{g.child("peer-as"), g.at("local-as", "as-number")} {
			if as == nil {
				continue
			}
			if _, err := strconv.ParseUint(as.text, 10, 32); err != nil {
				return malformed(path, as.text)
			}
		}
		for _, n := range g.all("neighbor") {
			if _, err := netip.ParseAddr(n.key()); err != nil {
				return malformed(path, n.key())
			}
		}
	}
	return nil
}

// defines tells whether a hierarchy has an entry of that name.
func defines(hierarchy *node, list, name string) bool {
	return slices.ContainsFunc(hierarchy.all(list), func(n *node) bool { return n.key() == name })
}

func policerReferences(configuration *node) *rpcError {
	firewall := configuration.child("firewall")
	for _, family := range families(firewall) {
		for _, filter := range family.all("filter") {
			for _, term := range filter.all("term") {
				p := term.at("then", "policer")
				if p != nil && !defines(firewall, "policer", p.text) {
					return refused(editPath("firewall family", family.name, "filter", filter.key(), "term", term.key(), "then"),
						"Referenced policer '"+p.text+"' is not defined")
				}
			}
		}
	}
	return nil
}

func policyReferences(configuration *node) *rpcError {
	options := configuration.child("policy-options")
	for _, policy := range options.all("policy-statement") {
		for _, term := range policy.all("term") {
			names := term.child("from").all("prefix-list")
			for _, name := range names {
				if !defines(options, "prefix-list", name.key()) {
					return missingList(policy, term, name.key())
				}
			}
			for _, f := range term.child("from").all("prefix-list-filter") {
				if name := f.child("list_name").value(); !defines(options, "prefix-list", name) {
					return missingList(policy, term, name)
				}
			}
		}
	}
	return nil
}

func missingList(policy, term *node, name string) *rpcError {
	return refused(editPath("policy-options policy-statement", policy.key(), "term", term.key(), "from"),
		"Policy error: prefix-list '"+name+"' not defined")
}

// bgpReferences also holds a neighbour to one group, as Junos does.
func bgpReferences(configuration *node) *rpcError {
	options := configuration.child("policy-options")
	groups := map[string]string{}
	for _, g := range configuration.at("protocols", "bgp").all("group") {
		path := editPath("protocols bgp group", g.key())
		for _, policy := range append(g.all("import"), g.all("export")...) {
			if !defines(options, "policy-statement", policy.text) {
				return refused(path, "Policy error: Policy "+policy.text+" referenced but not defined")
			}
		}
		for _, n := range g.all("neighbor") {
			if other, twice := groups[n.key()]; twice {
				return refused(path, "neighbor "+n.key()+" is also configured in group "+other)
			}
			groups[n.key()] = g.key()
		}
	}
	return nil
}

// bundleRules: a member of a bundle routes nothing by itself.
func bundleRules(configuration *node) *rpcError {
	for _, i := range configuration.child("interfaces").all("interface") {
		if i.at("ether-options", "ieee-802.3ad", "bundle") != nil && i.child("unit") != nil {
			return refused(editPath("interfaces", i.key()), "logical unit is not allowed on aggregated links")
		}
	}
	return nil
}

// sharedAddresses: one address on two interfaces is refused when it is
// committed, not when it is loaded.
func sharedAddresses(configuration *node) *rpcError {
	holders := map[string]string{}
	for _, i := range configuration.child("interfaces").all("interface") {
		for _, u := range i.all("unit") {
			for _, f := range families(u) {
				for _, a := range f.all("address") {
					if other, twice := holders[a.key()]; twice && other != i.key() {
						return refused(editPath("interfaces", i.key(), "unit", u.key(), "family", f.name),
							"identical local address "+a.key()+" is found on different interfaces: "+other)
					}
					holders[a.key()] = i.key()
				}
			}
		}
	}
	return nil
}
