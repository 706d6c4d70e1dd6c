package ipam

import (
	"cmp"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// By says what use is counted for.
type By string

// What use can be counted for.
const (
	ByAggregate By = "aggregate"
	ByBlock     By = "block"
	ByRole      By = "role"
	BySite      By = "site"
	ByProject   By = "project"
)

// Global is what use by site calls blocks of no site.
const Global = "global"

// Uses counts what is held, in quarantine and free. What a project's block does
// not use is held all the same for aggregates, sites, roles and the block that
// it was cut from, because nobody else can have it; for the project and for the
// block itself it is free. Of an aggregate, what no block was cut from is free.
//
// Aggregates and blocks come in the order of their addresses, all else in the
// order of names.
func Uses(s Snapshot, by By) []metal.Use {
	sums := tallies{}
	rooms := s.rooms()
	switch by {
	case ByAggregate:
		sums.aggregates(s.Aggregates, rooms)
	case ByProject:
		sums.projects(s, rooms)
	default:
		sums.blocks(by, rooms)
	}
	return sums.uses()
}

// tally is what was counted for one name and family so far.
type tally struct {
	prefix netip.Prefix // of an aggregate or block: its place in the order
	use    metal.Use
}

type tallyKey struct {
	of     string
	family int
}

type tallies map[tallyKey]*tally

func (t tallies) of(name string, family int) *tally {
	key := tallyKey{name, family}
	if t[key] == nil {
		t[key] = &tally{use: metal.Use{Of: name, Family: family}}
	}
	return t[key]
}

func (t tallies) uses() []metal.Use {
	sorted := []*tally{}
	for _, one := range t {
		sorted = append(sorted, one)
	}
	slices.SortFunc(sorted, func(a, b *tally) int {
		return cmp.Or(a.prefix.Compare(b.prefix), cmp.Compare(a.use.Of, b.use.Of), cmp.Compare(a.use.Family, b.use.Family))
	})
	uses := make([]metal.Use, len(sorted))
	for i, one := range sorted {
		uses[i] = one.use
	}
	return uses
}

func (t tallies) aggregates(aggregates []metal.Aggregate, rooms []*room) {
	for _, a := range aggregates {
		one := t.of(a.Prefix.String(), Family(a.Prefix))
		one.prefix = a.Prefix
		cut := []netip.Prefix{}
		for _, r := range rooms {
			if r.outmost && Covers(a.Prefix, r.Prefix) {
				cut = append(cut, r.Prefix)
				one.outside(r)
			}
		}
		for _, p := range Rest(a.Prefix, cut) {
			one.use.Total += Units(p)
			one.use.Free += Units(p)
			one.longest(p)
		}
	}
}

func (t tallies) blocks(by By, rooms []*room) {
	for _, r := range rooms {
		switch {
		case by == ByBlock:
			one := t.of(r.Prefix.String(), Family(r.Prefix))
			one.prefix = r.Prefix
			one.inside(r)
		case !r.outmost: // its parent counts it
		case by == ByRole:
			t.of(string(r.Role), Family(r.Prefix)).outside(r)
		case by == BySite:
			t.of(cmp.Or(string(r.Site), Global), Family(r.Prefix)).outside(r)
		}
	}
}

func (t tallies) projects(s Snapshot, rooms []*room) {
	for _, r := range rooms {
		if r.Project != "" {
			t.of(string(r.Project), Family(r.Prefix)).inside(r)
			continue
		}
		for _, p := range r.pieces {
			project := s.ProjectOf(p.Holder)
			if p.State == metal.Held && project != "" {
				one := t.of(string(project), Family(p.Prefix))
				one.use.Total += Units(p.Prefix)
				one.use.Held += Units(p.Prefix)
			}
		}
	}
}

// outside counts a block as those see it who are not its project.
func (t *tally) outside(r *room) {
	if r.Project != "" {
		t.use.Total += Units(r.Prefix)
		t.use.Held += Units(r.Prefix)
		return
	}
	t.inside(r)
}

// inside counts what a block consists of.
func (t *tally) inside(r *room) {
	for _, p := range r.pieces {
		t.use.Total += Units(p.Prefix)
		if p.State == metal.Resting {
			t.use.Resting += Units(p.Prefix)
		} else {
			t.use.Held += Units(p.Prefix)
		}
	}
	for _, p := range r.free {
		t.use.Total += Units(p)
		t.use.Free += Units(p)
		t.longest(p)
	}
	for _, child := range r.within {
		t.outside(child)
	}
}

// longest keeps the larger, and of equals the lower.
func (t *tally) longest(p netip.Prefix) {
	best := t.use.LongestFree
	if !best.IsValid() || p.Bits() < best.Bits() || p.Bits() == best.Bits() && p.Compare(best) < 0 {
		t.use.LongestFree = p
	}
}
