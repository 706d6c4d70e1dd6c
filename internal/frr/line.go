package frr

import (
	"slices"
	"strings"
)

// place is where on a switch a line belongs, and so who is told to set it.
type place string

const (
	link     place = "link"      // up or down
	alias    place = "alias"     // the interface's description
	address  place = "address"   // the switch's end of a link, in order
	loopback place = "loopback"  // an address of the switch itself; shared
	filter   place = "filter"    // a rule, as nft prints it
	iface    place = "interface" // within FRR's interface
	top      place = "top"       // FRR's top level: routes and prefix lists
	bgp      place = "bgp"       // within FRR's router bgp
	bgp4     place = "bgp ipv4"  // within its address family
	bgp6     place = "bgp ipv6"
	inbound  place = "inbound" // within the shared route map
)

// line is one thing that a port has or should have.
type line struct {
	place place
	text  string
	order int // of a rule in its chain: first match wins
}

// step leads a port from what it is to what it should be.
type step struct {
	port     string
	from, to []line
}

// gone and come are the lines that differ, in their order.
func (s step) gone() []line { return without(s.from, s.to) }
func (s step) come() []line { return without(s.to, s.from) }

// back is the step that undoes this one.
func (s step) back() step { return step{port: s.port, from: s.to, to: s.from} }

func (s step) empty() bool { return len(s.gone()) == 0 && len(s.come()) == 0 }

// diff shows what differs, without keys. Rules that only moved are not listed,
// unless nothing else differs.
func (s step) diff() string {
	gone, come := shown(s.gone()), shown(s.come())
	var b strings.Builder
	for _, text := range without(gone, come) {
		b.WriteString("- " + text + "\n")
	}
	for _, text := range without(come, gone) {
		b.WriteString("+ " + text + "\n")
	}
	if b.Len() == 0 && len(come)+len(gone) > 0 {
		return "~ " + s.moved() + "\n"
	}
	return b.String()
}

// moved says what differs although the lines read the same.
func (s step) moved() string {
	for _, l := range s.come() {
		if l.place != filter {
			return "the key of a BGP session"
		}
	}
	return "order of the filter's rules"
}

// shown is how operators read lines: keys are starred out.
func shown(lines []line) []string {
	texts := make([]string, len(lines))
	for i, l := range lines {
		text := l.text
		if before, _, found := strings.Cut(text, keyWord); found && l.place == bgp {
			text = before + keyWord + "***"
		}
		texts[i] = string(l.place) + ": " + text
	}
	return texts
}

// keyWord is before the key in a neighbour's line.
const keyWord = " password "

// without gives those of a that are not in b.
func without[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(x T) bool { return slices.Contains(b, x) })
}

// at gives the texts of the lines that belong to one of the places.
func at(lines []line, places ...place) []string {
	var texts []string
	for _, l := range lines {
		if slices.Contains(places, l.place) {
			texts = append(texts, l.text)
		}
	}
	return texts
}
