package junos

import (
	"context"
	"net/netip"

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
	running, err := s.read("running", branch("configuration", bare("interfaces"), bare("routing-options"), bare("policy-options")))
	if err != nil {
		return nil, err
	}
	var all []metal.Carried
	for _, i := range running.child("interfaces").all("interface") {
		if managed(i) {
			all = append(all, carried(sw.ID, i, running))
		}
	}
	return all, nil
}

// carried is one interface with the routes that lead into it, and the list of
// what its machine may announce.
func carried(id metal.SwitchID, i, running *element) metal.Carried {
	c := metal.Carried{Port: metal.Port{Switch: id, Name: i.key()}, Words: i.child("description").value()}
	for _, u := range i.all("unit") {
		for _, f := range []family{inet, inet6} {
			for _, a := range u.at("family", f.name).all("address") {
				c.Prefixes = appendPrefix(c.Prefixes, a.key())
			}
		}
	}
	links := c.Prefixes
	for _, f := range []family{inet, inet6} {
		for _, r := range descend(running, f.rib()).all("route") {
			if leadsInto(r, links) {
				c.Prefixes = appendPrefix(c.Prefixes, r.key())
			}
		}
	}
	for _, l := range descend(running, policyOptions).all("prefix-list") {
		if l.key() != owned(i.key(), "announce") {
			continue
		}
		for _, item := range l.all("prefix-list-item") {
			c.Announced = appendPrefix(c.Announced, item.key())
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
