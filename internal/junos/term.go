package junos

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// term is one rule of a filter. Conditions that are empty do not restrict.
type term struct {
	name             string
	from, to         []netip.Prefix
	protocol         string
	fromPort, toPort string
	limit            string // name of the policer that drops what is too much
	accept           bool
}

// element is the rule as Junos writes it.
func (t term) element(f family) *element {
	e := branch("term", leaf("name", t.name))
	from := bare("from")
	from.children = append(from.children, prefixes("source-address", t.from)...)
	from.children = append(from.children, prefixes("destination-address", t.to)...)
	for _, match := range []*element{leaf(f.protocol, t.protocol), leaf("source-port", t.fromPort), leaf("destination-port", t.toPort)} {
		if match.text != "" {
			from.children = append(from.children, match)
		}
	}
	if len(from.children) > 0 {
		e.children = append(e.children, from)
	}
	then := bare("then")
	if t.limit != "" {
		then.children = append(then.children, leaf("policer", t.limit))
	}
	if t.accept {
		then.children = append(then.children, bare("accept"))
	} else {
		then.children = append(then.children, bare("discard"))
	}
	e.children = append(e.children, then)
	return e
}

func prefixes(match string, of []netip.Prefix) []*element {
	list := make([]*element, len(of))
	for i, p := range of {
		list[i] = branch(match, leaf("name", p.String()))
	}
	return list
}

// termsOf counts a filter's terms as its hardware does: one for each
// combination of the values that a term matches, source times destination times
// protocol times port (Juniper KB30953).
func termsOf(filter *element) int {
	total := 0
	for _, t := range filter.all("term") {
		values := map[string]int{}
		if from := t.child("from"); from != nil {
			for _, match := range from.children {
				values[match.name]++
			}
		}
		combinations := 1
		for _, n := range values {
			combinations *= n
		}
		total += combinations
	}
	return total
}

// everyFilter selects the filters of both families.
func everyFilter() *element {
	families := bare("family")
	for _, f := range []family{inet, inet6} {
		families.children = append(families.children, branch(f.name, bare("filter")))
	}
	return branch("configuration", branch("firewall", families))
}

// managedTerms counts the terms of each of Millwright's filters.
func managedTerms(configuration *element) map[string]int {
	terms := map[string]int{}
	for _, f := range []family{inet, inet6} {
		for _, filter := range configuration.at("firewall", "family", f.name).all("filter") {
			if strings.HasPrefix(filter.key(), mark+"-") {
				terms[filter.key()] += termsOf(filter)
			}
		}
	}
	return terms
}

// filterTerms is what a port's filters take before and after its change.
func (r rendered) filterTerms(there map[string]int) (before, after int) {
	for _, p := range r.pieces {
		if p.step.tag == "filter" {
			before += there[p.step.key]
			after += termsOf(p.want)
		}
	}
	return before, after
}

// byGrowth puts the ports that give terms back before those that take some.
func (d design) byGrowth(there map[string]int) []rendered {
	ports := slices.Clone(d.ports)
	growth := func(r rendered) int {
		before, after := r.filterTerms(there)
		return after - before
	}
	slices.SortStableFunc(ports, func(a, b rendered) int {
		return min(0, growth(a)) - min(0, growth(b))
	})
	return ports
}

// withoutRoom names the ports whose filters the switch has no room for, and
// says by how much. A port that takes no more than it has is never among them:
// parking must not wait for room.
func (d design) withoutRoom(room int, there map[string]int) map[metal.Port]crowded {
	used := 0
	for _, n := range there {
		used += n
	}
	found := map[metal.Port]crowded{}
	for _, r := range d.byGrowth(there) {
		before, after := r.filterTerms(there)
		if after > before && used-before+after > room {
			found[r.intent.Port] = crowded{wanted: after, free: room - used + before, room: room}
			continue
		}
		used += after - before
	}
	return found
}

// crowded is a port's filter that the switch has no room for.
type crowded struct{ wanted, free, room int }

func (c crowded) Error() string {
	return fmt.Sprintf("filters need %d terms, and %d of the switch's %d are free", c.wanted, c.free, c.room)
}
