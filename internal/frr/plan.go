package frr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// want is a port as it should be: its own lines, and those that it needs and
// shares.
type want struct {
	port   string
	intent metal.PortIntent
	lines  []line
	shared []line
}

// plan is how a switch gets from what it is to what is intended.
type plan struct {
	wants   []want
	refused map[metal.Port]string
	steps   map[string]step // by port; one for each want
	own     map[string]step // the same without what is shared: what the way back undoes
	rules   table           // the whole table, as it should be
	before  string          // the whole table, as nft printed it
	bgp     instance
	secrets []string
}

// compare reads the switch and says what differs.
func (d *Driver) compare(ctx context.Context, s *shell, ports []metal.PortIntent) (*plan, error) {
	links, err := s.readLinks()
	if err != nil {
		return nil, err
	}
	frr, err := s.readRunning()
	if err != nil {
		return nil, err
	}
	rules, before, err := s.readTable()
	if err != nil {
		return nil, err
	}
	p := &plan{refused: map[metal.Port]string{}, steps: map[string]step{}, own: map[string]step{}, rules: table{}, before: before}
	ports = p.accept(s.sw, ports, links)
	p.bgp = instanceFor(frr, ports)
	if err := d.want(ctx, p, ports); err != nil || len(p.wants) == 0 {
		return p, err
	}
	filters, err := s.printed(p.rules)
	if err != nil {
		return nil, refused(err)
	}
	for _, w := range p.wants {
		p.step(w, links, frr, rules, filters)
	}
	p.complete(rules)
	return p, nil
}

// accept takes the ports that can be configured.
func (p *plan) accept(sw metal.Switch, ports []metal.PortIntent, links []kernelLink) []metal.PortIntent {
	var taking []metal.PortIntent
	for _, port := range ports {
		if words := firstOf(check(sw, port, links), taken(port, links, ports)); words != "" {
			p.refused[port.Port] = words
			continue
		}
		taking = append(taking, port)
	}
	return taking
}

// instanceFor is the operators' BGP, or the one to be made for the first port
// that has use for it.
func instanceFor(frr running, ports []metal.PortIntent) instance {
	b := instance{asn: frr.asn, exists: frr.asn != 0}
	for _, p := range ports {
		if p.Profile == metal.Tenant && p.BGP != nil && b.asn == 0 {
			b.asn, b.id = p.BGP.LocalAS, p.Install.Switch()
		}
	}
	return b
}

// want renders the ports. A port whose key nobody knows is refused; a store of
// keys that does not answer is weather.
func (d *Driver) want(ctx context.Context, p *plan, ports []metal.PortIntent) error {
	for _, port := range ports {
		key, err := d.key(ctx, port)
		switch {
		case errors.Is(err, metal.ErrNoSecret) || errors.Is(err, errKey):
			p.refused[port.Port] = err.Error()
			continue
		case err != nil:
			return fmt.Errorf("port %s: %w", port.Port, err)
		}
		p.secrets = append(p.secrets, key)
		p.wants = append(p.wants, render(port, key, p.bgp.asn))
		maps.Copy(p.rules, chains(port))
	}
	return nil
}

// errKey is a key that FRR could not keep as it is.
var errKey = errors.New("its key has spaces, other than ASCII, or more than 80 characters")

// key looks up the key of a port's BGP sessions; empty for none.
func (d *Driver) key(ctx context.Context, p metal.PortIntent) (string, error) {
	if p.Profile != metal.Tenant || p.BGP == nil || p.BGP.Secret == "" {
		return "", nil
	}
	c, err := d.Credentials(ctx, p.BGP.Secret)
	if err != nil {
		return "", fmt.Errorf("BGP key %s: %w", p.BGP.Secret, err)
	}
	if !plainKey.MatchString(c.Password) {
		return "", fmt.Errorf("BGP key %s: %w", p.BGP.Secret, errKey)
	}
	return c.Password, nil
}

// render is a port as it should be, but for its filters, which the switch's nft
// has to print first.
func render(p metal.PortIntent, key string, asn uint32) want {
	w := want{port: p.Port.Name, intent: p}
	if p.Profile == metal.Disabled {
		w.lines = []line{{place: link, text: "down"}, {place: alias, text: aliasFor(p)}}
		return w
	}
	w.lines = []line{{place: link, text: "up"}, {place: alias, text: aliasFor(p)}}
	w.lines = append(w.lines, addressLines(ends(linksOf(p)))...)
	if p.Advertise {
		w.lines = append(w.lines, line{place: iface, text: advertise})
	}
	if p.Profile == metal.Tenant {
		w.lines = append(w.lines, routes(p)...)
		if p.BGP != nil {
			w.lines = append(w.lines, sessions(p, key, asn)...)
			w.shared = shared(p.BGP)
		}
	}
	return w
}

// step compares a port. What is shared counts only where it is wanted.
func (p *plan) step(w want, links []kernelLink, frr running, rules, filters table) {
	var is, have []line
	for _, l := range links {
		switch l.Name {
		case w.port:
			is = append(is, l.lines()...)
		case "lo":
			for _, a := range l.prefixes() {
				have = append(have, line{place: loopback, text: a.String()})
			}
		}
	}
	is = append(is, frr.port(w.intent)...)
	for _, l := range frr.lines {
		have = append(have, l.line)
	}
	is = append(is, rules.lines(w.port)...)
	to := append(slices.Clone(w.lines), filters.lines(w.port)...)
	p.own[w.port] = step{port: w.port, from: is, to: to}
	missing := without(w.shared, have)
	p.steps[w.port] = step{port: w.port, from: is, to: append(to, missing...)}
}

// complete adds to the table the ports that others configured.
func (p *plan) complete(rules table) {
	for name, lines := range rules {
		if _, ours := p.rules[name]; !ours && isPort(name) {
			p.rules[name] = lines
		}
	}
}

// differing are the wants that are not there yet.
func (p *plan) differing() []want {
	return slices.DeleteFunc(slices.Clone(p.wants), func(w want) bool { return p.steps[w.port].empty() })
}

// diff is what an operator would read, port by port.
func (p *plan) diff() string {
	var b strings.Builder
	for _, w := range p.differing() {
		fmt.Fprintf(&b, "%s\n%s", w.intent.Port, p.steps[w.port].diff())
	}
	return b.String()
}
