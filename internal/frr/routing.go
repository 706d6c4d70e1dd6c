package frr

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metal"
)

const (
	// bgpHops reaches the switch's own addresses from a machine, and from a
	// container or virtual machine in it.
	bgpHops = 5
	// bgpRest is how many minutes a session stays down that announced too much:
	// without it FRR leaves it down until somebody clears it.
	bgpRest = 5

	inboundName = mark + "-in"      // route map: what is heard leads to who said it
	defaultName = mark + "-default" // prefix list: all that machines are told
)

// listName is the prefix list of what a port's machine may announce.
func listName(port string, v4 bool) string {
	if v4 {
		return mark + "-" + port + "-4"
	}
	return mark + "-" + port + "-6"
}

// word is how FRR begins the commands of a family.
func word(v4 bool) string {
	if v4 {
		return "ip"
	}
	return "ipv6"
}

// routes are static routes to the machine's end of its link, by way of its
// port, which makes them the port's.
func routes(p metal.PortIntent) []line {
	var lines []line
	for _, r := range p.Routed {
		if by, ok := gateway(p, r.Addr().Is4()); ok {
			text := fmt.Sprintf("%s route %s %s %s", word(r.Addr().Is4()), r, by, p.Port.Name)
			lines = append(lines, line{place: top, text: text})
		}
	}
	return lines
}

// gateway is the machine's end of the family's public link, or else its first.
func gateway(p metal.PortIntent, v4 bool) (netip.Addr, bool) {
	links := slices.DeleteFunc(slices.Clone(p.Links), func(l metal.Link) bool { return l.Prefix.Addr().Is4() != v4 })
	if len(links) == 0 {
		return netip.Addr{}, false
	}
	if i := slices.IndexFunc(links, func(l metal.Link) bool { return l.Role == metal.Public }); i > 0 {
		return links[i].Machine(), true
	}
	return links[0].Machine(), true
}

// sessions are a machine's BGP sessions, and what it may announce in them. The
// switch waits to be called; the key is empty for none; asn is the switch's.
func sessions(p metal.PortIntent, key string, asn uint32) []line {
	var lines []line
	for _, machine := range p.BGP.Machine {
		n := "neighbor " + machine.String() + " "
		set := func(format string, args ...any) {
			lines = append(lines, line{place: bgp, text: n + fmt.Sprintf(format, args...)})
		}
		set("remote-as %d", p.BGP.PeerAS)
		if p.BGP.LocalAS != asn {
			set("local-as %d no-prepend replace-as", p.BGP.LocalAS)
		}
		set("description %s %s", mark, p.Port.Name)
		if key != "" {
			set("password %s", key)
		}
		set("passive")
		set("ebgp-multihop %d", bgpHops)
		set("update-source %s", listens(p.BGP, machine))
		lines = append(lines, policy(p, machine)...)
	}
	return append(lines, announced(p)...)
}

// policy is a session's part in its address family. What is not accepted is
// kept as well, so that a longer or shorter list works at once, whatever the
// machine does; it counts towards the limit, because it costs memory too. (FRR
// 8.4 counts before it adds, and so takes one more.)
func policy(p metal.PortIntent, machine netip.Addr) []line {
	in := bgp6
	if machine.Is4() {
		in = bgp4
	}
	var lines []line
	for _, text := range []string{
		"activate",
		"soft-reconfiguration inbound",
		fmt.Sprintf("maximum-prefix %d restart %d force", p.BGP.Limit, bgpRest),
		"prefix-list " + listName(p.Port.Name, machine.Is4()) + " in",
		"prefix-list " + defaultName + " out",
		"route-map " + inboundName + " in",
	} {
		lines = append(lines, line{place: in, text: "neighbor " + machine.String() + " " + text})
	}
	return lines
}

// announced are the prefix lists. They end in a refusal, so that none is ever
// empty: to FRR an empty list permits everything.
func announced(p metal.PortIntent) []line {
	var lines []line
	for _, v4 := range []bool{true, false} {
		rules := []string{}
		for _, prefix := range outermost(p.BGP.Announce, v4) {
			rules = append(rules, "permit "+prefix.String()+parts(prefix))
		}
		for i, rule := range append(rules, "deny any") {
			text := fmt.Sprintf("%s prefix-list %s seq %d %s", word(v4), listName(p.Port.Name, v4), 5*(i+1), rule)
			lines = append(lines, line{place: top, text: text})
		}
	}
	return lines
}

// parts lets a prefix be announced in parts, down to one address.
func parts(p netip.Prefix) string {
	if p.IsSingleIP() {
		return ""
	}
	return fmt.Sprintf(" le %d", p.Addr().BitLen())
}

// shared is what sessions on all ports use: where the switch listens, what is
// heard leading to who said it and not to somebody else, and that machines are
// told of the default route alone, and of that only while the switch has one.
func shared(b *metal.BGP) []line {
	lines := []line{
		{place: inbound, text: "set ip next-hop peer-address"},
		{place: inbound, text: "set ipv6 next-hop peer-address"},
		{place: top, text: "ip prefix-list " + defaultName + " seq 5 permit 0.0.0.0/0"},
		{place: top, text: "ipv6 prefix-list " + defaultName + " seq 5 permit ::/0"},
	}
	for _, a := range b.Switch {
		lines = append(lines, line{place: loopback, text: netip.PrefixFrom(a, a.BitLen()).String()})
	}
	return lines
}

// listens is the switch's address that a machine's speaks to.
func listens(b *metal.BGP, machine netip.Addr) netip.Addr {
	for _, a := range b.Switch {
		if a.Is4() == machine.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// neighbor is the address that a neighbour's line is about.
func neighbor(text string) string {
	rest, _ := strings.CutPrefix(strings.TrimPrefix(text, "no "), "neighbor ")
	address, _, _ := strings.Cut(rest, " ")
	return address
}
