package frr

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// instance is the switch's BGP itself: its AS, and whether the operators have
// it already. One that we make has a router ID of its own: the habit of FRR is
// the loopback's address, and that is the same on all switches.
type instance struct {
	asn    uint32
	exists bool
	id     netip.Addr
}

// commands are for "vtysh -f": they lead FRR along the steps. What goes, goes
// first, so that a route may move from port to port.
func commands(steps []step, b instance) []string {
	var gone, come []string
	redone := map[string]bool{}
	for _, s := range steps {
		for _, text := range at(s.gone(), top) {
			gone = append(gone, "no "+text)
		}
		gone = append(gone, within("interface "+s.port, at(s.gone(), iface), func(text string) string { return strings.TrimPrefix(text, "no ") })...)
		come = append(come, at(s.come(), top)...)
		come = append(come, within("interface "+s.port, at(s.come(), iface), nil)...)
		come = append(come, within("route-map "+inboundName+" permit 10", at(s.come(), inbound), nil)...)
		for _, text := range at(append(s.gone(), s.come()...), bgp, bgp4, bgp6) {
			redone[neighbor(text)] = true
		}
	}
	// Lists before neighbours: to FRR a list that is not there refuses all.
	return slices.Concat(gone, come, neighbors(steps, b, redone))
}

// within puts commands into a block.
func within(block string, texts []string, change func(string) string) []string {
	if len(texts) == 0 {
		return nil
	}
	lines := []string{block}
	for _, text := range texts {
		if change != nil {
			text = change(text)
		}
		lines = append(lines, " "+text)
	}
	return append(lines, "exit")
}

// neighbors makes anew every neighbour of which anything changes: a session
// that should be another one had better not go on.
func neighbors(steps []step, b instance, redone map[string]bool) []string {
	if len(redone) == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("router bgp %d", b.asn)}
	if !b.exists {
		lines = append(lines, " bgp router-id "+b.id.String())
	}
	for _, s := range steps {
		for _, address := range addressesOf(s.from) {
			if redone[address] {
				lines = append(lines, " no neighbor "+address)
			}
		}
	}
	for _, s := range steps {
		lines = append(lines, anew(s.to, redone)...)
	}
	return append(lines, "exit")
}

// anew are the neighbours' lines. A new neighbour speaks IPv4 unless told not
// to.
func anew(to []line, redone map[string]bool) []string {
	var lines []string
	pick := func(at place) (texts []string) {
		for _, l := range to {
			if l.place == at && redone[neighbor(l.text)] {
				texts = append(texts, " "+l.text)
			}
		}
		return texts
	}
	lines = append(lines, pick(bgp)...)
	four := pick(bgp4)
	for _, address := range addressesOf(to) {
		if on := " neighbor " + address + " activate"; redone[address] && !slices.Contains(four, on) {
			four = append(four, " no neighbor "+address+" activate")
		}
	}
	lines = append(lines, within(" address-family ipv4 unicast", four, nil)...)
	return append(lines, within(" address-family ipv6 unicast", pick(bgp6), nil)...)
}

// addressesOf are the neighbours that lines are about, each once.
func addressesOf(lines []line) []string {
	var all []string
	for _, text := range at(lines, bgp) {
		if a := neighbor(text); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// undone are the commands of the way back. An instance that was not there goes
// whole.
func undone(steps []step, b instance) []string {
	back := make([]step, len(steps))
	for i, s := range steps {
		back[i] = s.back()
	}
	lines := commands(back, instance{asn: b.asn, exists: true})
	if !b.exists && b.asn != 0 {
		lines = append(lines, fmt.Sprintf("no router bgp %d", b.asn))
	}
	return lines
}

// refreshed are the sessions whose list changed and who stay up: what they said
// is looked at again.
func refreshed(steps []step) []string {
	var lines []string
	for _, s := range steps {
		changed := slices.ContainsFunc(append(s.gone(), s.come()...), func(l line) bool {
			return l.place == top && strings.Contains(l.text, " prefix-list ")
		})
		for _, address := range addressesOf(s.to) {
			if changed {
				lines = append(lines, "clear bgp "+address+" soft in")
			}
		}
	}
	return lines
}
