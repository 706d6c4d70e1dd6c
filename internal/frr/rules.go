package frr

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// controlRate is how many packets a second a machine may send to the switch
// itself. ARP apart, that is BGP, neighbour discovery and ping; a session of a
// few prefixes needs ten.
const controlRate = "1000/second burst 1000"

// A port's chains: what its machine may send, what may reach it, and what of
// the former may be meant for the switch.
func fromChain(port string) string { return "from-" + port }
func toChain(port string) string   { return "to-" + port }
func atChain(port string) string   { return "at-" + port }

// chains are the rules of a port. All three are there in every profile, so
// that none is left over from another.
func chains(p metal.PortIntent) table {
	port := p.Port.Name
	switch p.Profile {
	case metal.Parked:
		return table{fromChain(port): parkedSends(p), toChain(port): parkedHears(p), atChain(port): control(p)}
	case metal.Tenant:
		return table{fromChain(port): tenantSends(p), toChain(port): {"accept"}, atChain(port): control(p)}
	}
	return table{fromChain(port): {"drop"}, toChain(port): {"drop"}, atChain(port): {"drop"}}
}

// parkedSends: to the boot services, and what a machine says to get an address.
func parkedSends(p metal.PortIntent) []string {
	rules := append(noRelay(p), requests(p)...)
	rules = append(rules, fmt.Sprintf("ip saddr %s ip daddr %s accept", p.Install.Machine(), set(addresses(p.Boot, true))))
	return append(rules, discovery, "drop")
}

// parkedHears: the boot services, the answers of the switch's own relay, which
// come from its end of the link, and who its router is.
func parkedHears(p metal.PortIntent) []string {
	boot := addresses(p.Boot, true)
	relay := addresses(append([]netip.Addr{p.Install.Switch()}, p.Boot...), true)
	return []string{
		fmt.Sprintf("ip saddr %s ip daddr %s accept", set(boot), p.Install.Machine()),
		fmt.Sprintf("ip saddr %s udp sport 67 udp dport 68 accept", set(relay)),
		"ip6 saddr { ::, fe80::/10 } icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept",
		"drop",
	}
}

// tenantSends: anything from an address that is the machine's own (BCP 38).
func tenantSends(p metal.PortIntent) []string {
	rules := append(noRelay(p), requests(p)...)
	rules = append(rules, discovery)
	for _, family := range []struct {
		v4   bool
		name string
	}{{true, "ip"}, {false, "ip6"}} {
		if own := own(p, family.v4); len(own) > 0 {
			rules = append(rules, fmt.Sprintf("%s saddr %s accept", family.name, set(own)))
		}
	}
	return append(rules, "drop")
}

// noRelay drops a machine's own relayed DHCP: its option 82 could claim another
// port.
func noRelay(p metal.PortIntent) []string {
	rules := []string{fmt.Sprintf("ip daddr %s udp sport 67 drop", set(addresses(p.Boot, true)))}
	if boot6 := addresses(p.Boot, false); len(boot6) > 0 {
		rules = append(rules, fmt.Sprintf("ip6 daddr %s udp sport 547 drop", set(boot6)))
	}
	return rules
}

// requests are DHCP from a machine without an address (RFC 2131, section 4.1),
// and from one that has lost its server, which broadcasts from its address.
func requests(p metal.PortIntent) []string {
	from := []string{netip.IPv4Unspecified().String(), p.Install.Machine().String()}
	return []string{fmt.Sprintf("ip saddr %s ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept", set(from))}
}

// discovery is what IPv6 needs on a link, from link-local addresses and, before
// those are proven unique, from none (RFC 4862, section 5.4). No machine may
// advertise itself as a router or redirect.
const discovery = "ip6 saddr { ::, fe80::/10 } icmpv6 type { echo-request, echo-reply, mld-listener-report, " +
	"nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept"

// control is what a machine may say to the switch itself, not faster than its
// share: nothing that configures it.
func control(p metal.PortIntent) []string {
	rules := []string{
		"limit rate over " + controlRate + " packets drop",
		"udp sport 68 udp dport 67 accept", // to the relay
	}
	if p.Profile == metal.Tenant {
		rules = append(rules, "icmp type { echo-request, echo-reply, destination-unreachable, time-exceeded, parameter-problem } accept",
			"udp dport 33434-33523 accept") // traceroute's habit, which the kernel answers
		rules = append(rules, peering(p)...)
	}
	return append(rules, "meta l4proto ipv6-icmp accept", "drop")
}

// peering lets the machine call the switch; the switch itself never calls.
func peering(p metal.PortIntent) []string {
	var rules []string
	if p.BGP == nil {
		return nil
	}
	for _, machine := range p.BGP.Machine {
		family := "ip6"
		if machine.Is4() {
			family = "ip"
		}
		rules = append(rules, fmt.Sprintf("%s saddr %s %s daddr %s tcp dport 179 accept", family, machine, family, listens(p.BGP, machine)))
	}
	return rules
}

// own is what a machine may send from: its ends of its links, what is routed
// to it, and what it may announce.
func own(p metal.PortIntent, v4 bool) []string {
	var prefixes []netip.Prefix
	for _, l := range append([]metal.Link{p.Install}, p.Links...) {
		prefixes = append(prefixes, netip.PrefixFrom(l.Machine(), l.Machine().BitLen()))
	}
	prefixes = append(prefixes, p.Routed...)
	if p.BGP != nil {
		prefixes = append(prefixes, p.BGP.Announce...)
	}
	return texts(outermost(prefixes, v4))
}

// outermost sorts one family's prefixes and leaves out what lies within another:
// what means the same is rendered the same.
func outermost(prefixes []netip.Prefix, v4 bool) []netip.Prefix {
	sorted := slices.DeleteFunc(slices.Clone(prefixes), func(p netip.Prefix) bool { return p.Addr().Is4() != v4 })
	slices.SortFunc(sorted, func(a, b netip.Prefix) int { return cmp.Or(a.Bits()-b.Bits(), a.Addr().Compare(b.Addr())) })
	var kept []netip.Prefix
	for _, p := range sorted {
		if !slices.ContainsFunc(kept, func(k netip.Prefix) bool { return k.Contains(p.Addr()) }) {
			kept = append(kept, p)
		}
	}
	return kept
}

func texts(prefixes []netip.Prefix) []string {
	all := make([]string, len(prefixes))
	for i, p := range prefixes {
		all[i] = p.String()
	}
	return all
}

// addresses are those of one family, each once.
func addresses(of []netip.Addr, v4 bool) []string {
	var all []string
	for _, a := range of {
		if a.Is4() == v4 && !slices.Contains(all, a.String()) {
			all = append(all, a.String())
		}
	}
	return all
}

func set(elements []string) string { return "{ " + strings.Join(elements, ", ") + " }" }
