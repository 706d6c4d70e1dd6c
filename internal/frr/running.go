package frr

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// running is FRR's running configuration as far as ports can own a part of it.
type running struct {
	asn   uint32 // of the switch's own BGP; 0 where it has none
	lines []frrLine
}

// frrLine is a line with the interface or port that owns it, where it says so.
type frrLine struct {
	line
	owner string
}

// readRunning reads it. It holds keys: it goes into no error and no log.
func (s *shell) readRunning() (running, error) {
	text, err := s.run("read FRR's configuration", "vtysh -c 'show running-config'")
	if err != nil {
		return running{}, err
	}
	if !strings.HasSuffix(strings.TrimSpace(text), "end") {
		return running{}, fmt.Errorf("switch %s at %s: read FRR's configuration: it has no end; is zebra running?", s.sw.ID, s.sw.Address)
	}
	return parseRunning(text), nil
}

// parseRunning keeps what is in the default VRF.
func parseRunning(text string) running {
	var r running
	within, family := "", place("")
	quiet := false // IPv4 sessions are active only where told
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\r\n")
		bare := strings.TrimSpace(l)
		switch {
		case bare == "" || bare == "!":
		case bare == "exit-address-family":
			family = ""
		case !strings.HasPrefix(l, " "):
			within, family = bare, ""
			r.outer(bare)
		case strings.HasPrefix(bare, "address-family "):
			family = families[bare]
			if family == "" {
				family = "other"
			}
		case bare == "no bgp default ipv4-unicast":
			quiet = true
		default:
			r.inner(within, family, bare)
		}
	}
	r.activate(quiet)
	return r
}

var families = map[string]place{
	"address-family ipv4 unicast": bgp4,
	"address-family ipv6 unicast": bgp6,
}

// outer takes a line of the top level.
func (r *running) outer(text string) {
	fields := strings.Fields(text)
	switch {
	case len(fields) == 3 && fields[0] == "router" && fields[1] == "bgp":
		if n, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
			r.asn = uint32(n)
		}
	case len(fields) > 4 && fields[1] == "route" && (fields[0] == "ip" || fields[0] == "ipv6"):
		r.add(top, text, fields[4])
	case len(fields) > 3 && fields[1] == "prefix-list":
		r.add(top, text, listOwner(fields[2]))
	}
}

// inner takes a line of a block.
func (r *running) inner(within string, family place, text string) {
	fields := strings.Fields(within)
	switch {
	case len(fields) == 0: // an indented line that no block begins
	case fields[0] == "interface" && len(fields) == 2 && text == advertise:
		r.add(iface, text, fields[1])
	case within == "route-map "+inboundName+" permit 10":
		r.add(inbound, text, "")
	case len(fields) == 3 && fields[0] == "router" && fields[1] == "bgp":
		if !strings.Contains(text, "neighbor ") || family == "other" {
			return
		}
		if family == "" {
			family = bgp
		}
		r.add(family, text, "")
	}
}

// advertise is what FRR has where an interface sends router advertisements.
const advertise = "no ipv6 nd suppress-ra"

func (r *running) add(at place, text, owner string) {
	r.lines = append(r.lines, frrLine{line: line{place: at, text: text}, owner: owner})
}

// listOwner is the port that a prefix list of ours is for.
func listOwner(name string) string {
	port, ours := strings.CutPrefix(name, mark+"-")
	for _, family := range []string{"-4", "-6"} {
		if name, found := strings.CutSuffix(port, family); found && ours {
			return name
		}
	}
	return ""
}

// activate says of every neighbour whether it speaks IPv4, where FRR says only
// what is not its habit; and who owns each neighbour, by its description.
func (r *running) activate(quiet bool) {
	owners := map[string]string{}
	for _, l := range r.lines {
		if text, found := strings.CutPrefix(l.text, "neighbor "+neighbor(l.text)+" description "+mark+" "); found && l.place == bgp {
			owners[neighbor(l.text)] = text
		}
	}
	for _, address := range r.neighbors() {
		on, off := line{place: bgp4, text: "neighbor " + address + " activate"}, line{place: bgp4, text: "no neighbor " + address + " activate"}
		if !r.has(on) && !r.has(off) && !quiet {
			r.add(bgp4, on.text, "")
		}
		r.lines = slices.DeleteFunc(r.lines, func(l frrLine) bool { return l.line == off })
	}
	for i, l := range r.lines {
		if l.place == bgp || l.place == bgp4 || l.place == bgp6 {
			r.lines[i].owner = owners[neighbor(l.text)]
		}
	}
}

func (r *running) has(l line) bool {
	return slices.ContainsFunc(r.lines, func(x frrLine) bool { return x.line == l })
}

// neighbors are the addresses of all neighbours, each once.
func (r *running) neighbors() []string {
	var all []string
	for _, l := range r.lines {
		if l.place == bgp && !slices.Contains(all, neighbor(l.text)) {
			all = append(all, neighbor(l.text))
		}
	}
	return all
}

// port gives the lines that a port owns: by name, and the neighbours that speak
// from one of its links or from where its machine should.
func (r *running) port(p metal.PortIntent) []line {
	var lines []line
	for _, l := range r.lines {
		ours := l.owner == p.Port.Name
		if l.owner == "" && (l.place == bgp || l.place == bgp4 || l.place == bgp6) {
			ours = speaks(p, neighbor(l.text))
		}
		if ours {
			lines = append(lines, l.line)
		}
	}
	return lines
}

// speaks tells whether an address is one that the port's machine speaks from.
func speaks(p metal.PortIntent, address string) bool {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	if p.BGP != nil && slices.Contains(p.BGP.Machine, a) {
		return true
	}
	return slices.ContainsFunc(p.Links, func(l metal.Link) bool { return l.Machine() == a })
}
