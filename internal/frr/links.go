package frr

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// kernelLink is an interface in the words of "ip -j addr show".
type kernelLink struct {
	Name      string   `json:"ifname"`
	Alias     string   `json:"ifalias"`
	Flags     []string `json:"flags"`
	Addresses []struct {
		Local  netip.Addr `json:"local"`
		Length int        `json:"prefixlen"`
	} `json:"addr_info"`
}

// readLinks asks the kernel for all interfaces.
func (s *shell) readLinks() ([]kernelLink, error) {
	text, err := s.run("read its addresses", "ip -d -j addr show") // -d: with aliases
	if err != nil {
		return nil, err
	}
	var links []kernelLink
	if err := json.Unmarshal([]byte(text), &links); err != nil {
		return nil, fmt.Errorf("switch %s: read its addresses: %w", s.sw.ID, err)
	}
	return links, nil
}

// prefixes are the interface's addresses but those that the kernel gives it
// for itself (RFC 4291, section 2.5.6).
func (l kernelLink) prefixes() []netip.Prefix {
	var all []netip.Prefix
	for _, a := range l.Addresses {
		if a.Local.Is4() || !a.Local.IsLinkLocalUnicast() {
			all = append(all, netip.PrefixFrom(a.Local, a.Length))
		}
	}
	return all
}

// lines are what the kernel has of a port.
func (l kernelLink) lines() []line {
	state := "down"
	if slices.Contains(l.Flags, "UP") {
		state = "up"
	}
	lines := []line{{place: link, text: state}}
	if l.Alias != "" {
		lines = append(lines, line{place: alias, text: l.Alias})
	}
	return append(lines, addressLines(l.prefixes())...)
}

// addressLines mark the first IPv4 address: relays and clients take that one
// for the port's, and it must be the install link's.
func addressLines(prefixes []netip.Prefix) []line {
	var lines []line
	first := true
	for _, p := range prefixes {
		text := p.String()
		if p.Addr().Is4() && first {
			text, first = text+firstMark, false
		}
		lines = append(lines, line{place: address, text: text})
	}
	return lines
}

const firstMark = " first"

// aliasFor tells operators on the switch whose the port is, and us later which
// of its addresses is not a tenant's.
func aliasFor(p metal.PortIntent) string {
	use := string(p.Profile)
	if p.Profile == metal.Tenant {
		use = string(p.Device)
	}
	words := []string{mark, string(p.Machine), use}
	if p.Profile != metal.Disabled {
		words = append(words, installWord, end(p.Install).String())
	}
	return strings.Join(words, " ")
}

const installWord = "install"

// end is the switch's end of a link.
func end(l metal.Link) netip.Prefix { return netip.PrefixFrom(l.Switch(), l.Prefix.Bits()) }

// carriesTenant tells whether an interface of ours has an address that is no
// install link's.
func carriesTenant(l kernelLink, rules table) bool {
	ours := strings.HasPrefix(l.Alias, mark+" ")
	if _, filtered := rules[fromChain(l.Name)]; !ours && !filtered {
		return false
	}
	_, installed, _ := strings.Cut(l.Alias, " "+installWord+" ")
	return slices.ContainsFunc(l.prefixes(), func(p netip.Prefix) bool { return !ours || p.String() != installed })
}

// batch are the commands for "ip -batch" that take a step in the kernel. A
// port goes down before anything changes, and comes up before it gets IPv6
// addresses, which a port that is down does not keep.
func batch(s step) []string {
	var commands []string
	for _, state := range at(s.come(), link) {
		commands = append(commands, fmt.Sprintf("link set dev %s %s", s.port, state))
	}
	gone, come := readdressed(s)
	for _, a := range gone {
		commands = append(commands, fmt.Sprintf("addr del %s dev %s", strings.TrimSuffix(a, firstMark), s.port))
	}
	for _, a := range come {
		commands = append(commands, addressCommand(strings.TrimSuffix(a, firstMark), s.port))
	}
	for _, a := range at(s.come(), loopback) {
		commands = append(commands, addressCommand(a, "lo"))
	}
	return append(commands, aliasCommand(s)...)
}

// readdressed are the addresses that go and come. The kernel keeps them in the
// order in which they came: for another one to be first, all of IPv4 is redone.
func readdressed(s step) (gone, come []string) {
	gone, come = at(s.gone(), address), at(s.come(), address)
	if !slices.ContainsFunc(come, func(a string) bool { return strings.HasSuffix(a, firstMark) }) {
		return gone, come
	}
	v4 := func(l line) bool { return l.place == address && strings.Contains(l.text, ".") }
	for _, l := range s.from {
		if v4(l) && !slices.Contains(gone, l.text) {
			gone = append(gone, l.text)
		}
	}
	come = slices.DeleteFunc(come, func(a string) bool { return strings.Contains(a, ".") })
	for _, l := range slices.Backward(s.to) {
		if v4(l) {
			come = slices.Insert(come, 0, l.text)
		}
	}
	return gone, come
}

// addressCommand spares IPv6 the second of duplicate address detection: there
// are two on a link, and the other's address is ours to give.
func addressCommand(prefix, dev string) string {
	command := "addr add " + prefix + " dev " + dev
	if strings.Contains(prefix, ":") {
		command += " nodad"
	}
	return command
}

// aliasCommand leaves an alias alone that ip's batch has no way to quote.
func aliasCommand(s step) []string {
	gone, come := at(s.gone(), alias), at(s.come(), alias)
	if len(gone)+len(come) == 0 {
		return nil
	}
	text := strings.Join(come, "")
	if strings.ContainsAny(text, "\"\n\\") {
		return nil
	}
	return []string{fmt.Sprintf("link set dev %s alias %q", s.port, text)}
}

// ends are the switch's ends of links.
func ends(links []metal.Link) []netip.Prefix {
	all := make([]netip.Prefix, len(links))
	for i, l := range links {
		all[i] = end(l)
	}
	return all
}
