package junos

import (
	"strconv"
	"strings"

	"millwright/internal/metal"
)

const (
	// bgpHops reaches the switch's own addresses from a machine, and from a
	// container or virtual machine in it.
	bgpHops = "5"
	// bgpRest is how many minutes a session stays down that announced too much:
	// without it Junos brings it up again at once, and so on for ever.
	bgpRest = "5"
)

// bgpPieces are a machine's session and what it may announce, or that there
// are none. The switch's own addresses, on lo0, are the operators'.
func bgpPieces(p metal.PortIntent, key string) []piece {
	group := piece{
		port: p.Port.Name, path: []step{{tag: "protocols"}, {tag: "bgp"}},
		step: step{tag: "group", key: owned(p.Port.Name, "")},
	}
	policy := piece{
		port: p.Port.Name, path: policyOptions,
		step: step{tag: "policy-statement", key: owned(p.Port.Name, "import")},
	}
	list := piece{
		port: p.Port.Name, path: policyOptions,
		step: step{tag: "prefix-list", key: owned(p.Port.Name, "announce")},
	}
	if p.Profile == metal.Tenant && p.BGP != nil {
		group.want = bgpGroup(p, key)
		policy.want = importPolicy(policy.step.key, list.step.key)
		list.want = prefixList(list.step.key, p)
	}
	return []piece{group, policy, list}
}

var policyOptions = []step{{tag: "policy-options"}}

// bgpGroup is a group for each port: its key and its policy are the port's,
// and it comes and goes whole. The switch waits to be called, which spares the
// filter a second term and the switch the calling of machines that are not up.
func bgpGroup(p metal.PortIntent, key string) *element {
	b := p.BGP
	g := branch("group",
		leaf("name", owned(p.Port.Name, "")),
		leaf("type", "external"),
		leaf("description", strings.Join([]string{mark, string(p.Machine), p.Port.Name}, " ")),
		branch("multihop", leaf("ttl", bgpHops)),
		bare("passive"),
		leaf("import", owned(p.Port.Name, "import")))
	if key != "" {
		g.children = append(g.children, leaf(keyTag, key))
	}
	g.children = append(g.children,
		leaf("export", exportName),
		leaf("peer-as", number(b.PeerAS)),
		branch("local-as", leaf("as-number", number(b.LocalAS))))
	for _, m := range b.Machine {
		f := familyOf(m)
		g.children = append(g.children, branch("neighbor",
			leaf("name", m.String()),
			leaf("local-address", listens(b, f).String()),
			branch("family", branch(f.name, branch("unicast", prefixLimit(b.Limit))))))
	}
	return g
}

func number(as uint32) string { return strconv.FormatUint(uint64(as), 10) }

// prefixLimit counts what is heard, not what is accepted: what is not accepted
// costs memory too.
func prefixLimit(most int) *element {
	return branch("prefix-limit",
		leaf("maximum", strconv.Itoa(most)),
		branch("teardown", branch("idle-timeout", leaf("timeout", bgpRest))))
}

// importPolicy takes a listed prefix, and any part of it down to one address,
// and takes it to lead to the peer: another next hop would lead packets to
// somebody else.
//
// Juniper's YANG writes the match type as <choice-ident>; a switch takes that
// only where it was told to be yang-compliant, and else what its own
// configuration shows, which is this.
func importPolicy(name, list string) *element {
	return branch("policy-statement",
		leaf("name", name),
		branch("term",
			leaf("name", "announced"),
			branch("from", branch("prefix-list-filter", leaf("list_name", list), bare("orlonger"))),
			branch("then", branch("next-hop", bare("peer-address")), bare("accept"))),
		branch("term", leaf("name", "rest"), branch("then", bare("reject"))))
}

func prefixList(name string, p metal.PortIntent) *element {
	list := branch("prefix-list", leaf("name", name))
	for _, a := range p.BGP.Announce {
		list.children = append(list.children, branch("prefix-list-item", leaf("name", a.String())))
	}
	return list
}

const (
	exportName  = mark + "-export"
	defaultName = mark + "-default"
)

// exportPolicy tells machines of the default route and nothing else, and of
// that only while the switch has one: a machine on two switches learns which of
// them leads anywhere, and none learns how the site is built.
func exportPolicy() piece {
	return piece{
		path: policyOptions, step: step{tag: "policy-statement", key: exportName},
		want: branch("policy-statement",
			leaf("name", exportName),
			branch("term",
				leaf("name", "default"),
				branch("from", branch("prefix-list", leaf("name", defaultName))),
				branch("then", bare("accept"))),
			branch("term", leaf("name", "rest"), branch("then", bare("reject")))),
	}
}

// defaultList is matched exactly, as all prefix lists are that name no other
// match type.
func defaultList() piece {
	return piece{
		path: policyOptions, step: step{tag: "prefix-list", key: defaultName},
		want: branch("prefix-list",
			leaf("name", defaultName),
			branch("prefix-list-item", leaf("name", "0.0.0.0/0")),
			branch("prefix-list-item", leaf("name", "::/0"))),
	}
}
