package frr

import (
	"context"
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// Carried reads what every port of ours is configured for, whatever anybody
// intends: after a restore, the switch knows better than the records. It changes
// nothing and takes no lock.
func (d *Driver) Carried(ctx context.Context, sw metal.Switch) ([]metal.Carried, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	links, err := s.readLinks()
	if err != nil {
		return nil, err
	}
	running, err := s.readRunning()
	if err != nil {
		return nil, err
	}
	rules, _, err := s.readTable()
	if err != nil {
		return nil, err
	}
	var all []metal.Carried
	for _, l := range links {
		if _, filtered := rules[fromChain(l.Name)]; filtered || strings.HasPrefix(l.Alias, mark+" ") {
			all = append(all, carried(sw.ID, l, running))
		}
	}
	return all, nil
}

// carried is one interface with the routes by way of it, and what its machine
// may announce.
func carried(id metal.SwitchID, l kernelLink, frr running) metal.Carried {
	c := metal.Carried{Port: metal.Port{Switch: id, Name: l.Name}, Words: l.Alias}
	for _, p := range l.prefixes() {
		c.Prefixes = append(c.Prefixes, p.Masked())
	}
	for _, r := range frr.lines {
		fields := strings.Fields(r.text)
		switch {
		case r.owner != l.Name || r.place != top || len(fields) < 3:
		case fields[1] == "route":
			c.Prefixes = appendPrefix(c.Prefixes, fields[2])
		case fields[1] == "prefix-list" && len(fields) > 6 && fields[5] == "permit":
			c.Announced = appendPrefix(c.Announced, fields[6])
		}
	}
	return c
}

// appendPrefix adds a subnet; what is no prefix is none of ours.
func appendPrefix(all []netip.Prefix, text string) []netip.Prefix {
	if p, err := netip.ParsePrefix(text); err == nil {
		return append(all, p.Masked())
	}
	return all
}
