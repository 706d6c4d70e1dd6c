package frr

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"millwright/internal/metal"
)

var (
	// plainName is what Linux and FRR both take for an interface, and no shell
	// for anything else. The kernel has room for 15 characters.
	plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)
	// plainWord is a machine's or a device's name.
	plainWord = regexp.MustCompile(`^[A-Za-z0-9._-]{0,80}$`)
	// plainKey is what FRR takes for a key and gives back as it was; TCP has
	// room for 80 bytes (RFC 2385, as Linux has it).
	plainKey = regexp.MustCompile(`^[\x21-\x7e]{1,80}$`)
)

// check says why a port cannot be configured as intended; empty where it can.
func check(sw metal.Switch, p metal.PortIntent, links []kernelLink) string {
	switch {
	case p.Port.Switch != sw.ID:
		return "not a port of switch " + string(sw.ID)
	case !plainName.MatchString(p.Port.Name) || p.Port.Name == "lo":
		return fmt.Sprintf("%q is no name of a port", p.Port.Name)
	case !slices.ContainsFunc(links, func(l kernelLink) bool { return l.Name == p.Port.Name }):
		return "no such interface on the switch"
	case !plainWord.MatchString(string(p.Machine)) || !plainWord.MatchString(string(p.Device)):
		return fmt.Sprintf("machine %q, device %q: names of letters, digits and ._- are known here", p.Machine, p.Device)
	}
	switch p.Profile {
	case metal.Disabled:
		return ""
	case metal.Parked:
		return checkLinks(p)
	case metal.Tenant:
		return firstOf(checkLinks(p), checkRouted(p), checkBGP(p))
	}
	return fmt.Sprintf("profile %q is not known here", p.Profile)
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func checkLinks(p metal.PortIntent) string {
	if !p.Install.Prefix.IsValid() || !p.Install.Prefix.Addr().Is4() {
		return fmt.Sprintf("install link %s is not IPv4", p.Install.Prefix)
	}
	if len(addresses(p.Boot, true)) == 0 {
		return "no boot services with an IPv4 address"
	}
	seen := map[netip.Prefix]bool{}
	for _, l := range append([]metal.Link{p.Install}, p.Links...) {
		if !pointToPoint(l.Prefix) {
			return fmt.Sprintf("link %s is no /30, /31 or /127", l.Prefix)
		}
		if seen[l.Prefix] {
			return fmt.Sprintf("link %s is there twice", l.Prefix)
		}
		seen[l.Prefix] = true
	}
	return ""
}

// pointToPoint tells whether a prefix is a masked subnet that has room for the
// two ends of a link and no more.
func pointToPoint(p netip.Prefix) bool {
	if !p.IsValid() || p != p.Masked() {
		return false
	}
	last := p.Addr().BitLen() - 1
	return p.Bits() == last || (p.Addr().Is4() && p.Bits() == last-1)
}

func checkRouted(p metal.PortIntent) string {
	for _, r := range p.Routed {
		if !r.IsValid() || r != r.Masked() {
			return fmt.Sprintf("routed prefix %s is no subnet", r)
		}
		if _, ok := gateway(p, r.Addr().Is4()); !ok {
			return fmt.Sprintf("routed prefix %s has no link of its family to go by", r)
		}
	}
	return ""
}

func checkBGP(p metal.PortIntent) string {
	b := p.BGP
	if b == nil {
		return ""
	}
	if b.LocalAS == 0 || b.PeerAS == 0 || b.Limit < 1 {
		return fmt.Sprintf("BGP from AS %d to AS %d with %d prefixes: none may be zero", b.LocalAS, b.PeerAS, b.Limit)
	}
	for _, machine := range b.Machine {
		if !machine.IsValid() || machine.Zone() != "" || !listens(b, machine).IsValid() {
			return fmt.Sprintf("BGP from %s: the switch has no address of that family to listen at", machine)
		}
	}
	for _, a := range b.Announce {
		if !a.IsValid() || a != a.Masked() {
			return fmt.Sprintf("prefix %s to be announced is no subnet", a)
		}
	}
	return ""
}

// taken says which of the port's addresses another interface has, that is not
// part of this change: the kernel would take it twice, and answer at either.
func taken(p metal.PortIntent, links []kernelLink, changing []metal.PortIntent) string {
	if p.Profile == metal.Disabled {
		return ""
	}
	wanted := []netip.Addr{}
	for _, l := range linksOf(p) {
		wanted = append(wanted, l.Switch(), l.Machine())
	}
	for _, l := range links {
		if slices.ContainsFunc(changing, func(o metal.PortIntent) bool { return o.Port.Name == l.Name }) {
			continue
		}
		for _, have := range l.prefixes() {
			if slices.Contains(wanted, have.Addr()) {
				return fmt.Sprintf("address %s is on interface %s", have.Addr(), l.Name)
			}
		}
	}
	return ""
}

// linksOf gives the install link and, on a tenant's port, the tenant's.
func linksOf(p metal.PortIntent) []metal.Link {
	if p.Profile != metal.Tenant {
		return []metal.Link{p.Install}
	}
	return append([]metal.Link{p.Install}, p.Links...)
}
