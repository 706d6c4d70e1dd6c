package ipam

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// Against says what of a plan is not there yet, with each block's parent and
// each lease's block found; or, as Problems, everything that stands in the way.
// It changes nothing, so a dry run is this and no more.
//
// An import only adds. What is there stays as it is: where a plan says the same
// there is nothing to do, and where it says another site, role, project or
// holder, or would put a block around what is there, that is a problem. Dates
// and notes of what is there are not compared, and stay too.
func (p Plan) Against(s Snapshot) (Plan, error) {
	w := walk{snapshot: s}
	w.holders(p)
	w.added.LeftOut = p.LeftOut
	for _, t := range things(p, s) {
		w.next(t)
	}
	if err := w.problems.err(); err != nil {
		return Plan{}, err
	}
	return w.added, nil
}

// thing is an aggregate, a block or a lease, wanted or there.
type thing struct {
	prefix    netip.Prefix
	rank      int     // outer kinds first, where prefixes are the same
	at        *Source // nil for what is there
	aggregate metal.Aggregate
	block     metal.Block
	lease     Lease
}

const (
	rankAggregate = iota
	rankBlock
	rankLease
)

func (t *thing) wanted() bool { return t.at != nil }

// name is how a problem begins, whose line says where.
func (t *thing) name() string {
	text := [...]string{"aggregate ", "block ", "lease "}[t.rank] + t.prefix.String()
	if t.rank == rankLease {
		text += " of " + string(t.lease.Holder)
		if t.lease.State == metal.Resting {
			text = "quarantine " + t.prefix.String()
		}
	}
	return text
}

// String is how a problem names the other side: what it is, and where it stands.
func (t *thing) String() string {
	if t.wanted() {
		return fmt.Sprintf("%s (%s:%d)", t.name(), t.at.File, t.at.Line)
	}
	return t.name() + " (there already)"
}

// kind is what a clash with a thing is called.
func (t *thing) kind() error {
	switch {
	case t.rank == rankLease && t.lease.State == metal.Resting:
		return metal.ErrQuarantined
	case t.rank == rankLease:
		return metal.ErrInUse
	}
	return metal.ErrOverlap
}

// things puts what is wanted and what is there in one order: outer before inner,
// and what is there before what is wanted.
func things(p Plan, s Snapshot) []*thing {
	all := []*thing{}
	for _, a := range s.Aggregates {
		all = append(all, &thing{prefix: a.Prefix, rank: rankAggregate, aggregate: a})
	}
	for _, r := range s.rooms() {
		all = append(all, &thing{prefix: r.Prefix, rank: rankBlock, block: r.Block})
		for _, piece := range r.pieces {
			all = append(all, &thing{prefix: piece.Prefix, rank: rankLease, lease: Lease{Piece: piece, Project: s.ProjectOf(piece.Holder)}})
		}
	}
	for _, w := range p.Aggregates {
		all = append(all, &thing{prefix: w.Thing.Prefix, rank: rankAggregate, at: &w.At, aggregate: w.Thing})
	}
	for _, w := range p.Blocks {
		all = append(all, &thing{prefix: w.Thing.Prefix, rank: rankBlock, at: &w.At, block: w.Thing})
	}
	for _, w := range p.Leases {
		all = append(all, &thing{prefix: w.Thing.Prefix, rank: rankLease, at: &w.At, lease: w.Thing})
	}
	slices.SortStableFunc(all, func(a, b *thing) int {
		return cmp.Or(a.prefix.Compare(b.prefix), cmp.Compare(a.rank, b.rank))
	})
	return all
}

// walk goes through things in their order, with those around the present one on
// a stack. What is missing is added in that order, in which it can be stored.
type walk struct {
	snapshot Snapshot
	around   []*thing
	added    Plan
	problems Problems
}

func (w *walk) next(t *thing) {
	for len(w.around) > 0 && !Covers(w.around[len(w.around)-1].prefix, t.prefix) {
		w.around = w.around[:len(w.around)-1]
	}
	var outer *thing
	if len(w.around) > 0 {
		outer = w.around[len(w.around)-1]
	}
	if outer != nil && outer.prefix == t.prefix && outer.rank == t.rank {
		w.same(outer, t)
		return // the first one stays on the stack
	}
	w.around = append(w.around, t)
	problems := len(w.problems)
	w.fits(outer, t)
	if t.wanted() && len(w.problems) == problems {
		w.add(outer, t)
	}
}

// same compares a thing with an earlier one of its kind and prefix.
func (w *walk) same(first, t *thing) {
	if !t.wanted() {
		return // two rows of one prefix: nothing that a file could mend
	}
	if first.wanted() {
		w.problem(t, metal.ErrOverlap, "%s stands twice, first in %s:%d; remove one", t.name(), first.at.File, first.at.Line)
		return
	}
	if differs := difference(first, t); differs != "" {
		kind := metal.ErrNotAllowed
		if t.rank == rankLease {
			kind = first.kind()
		}
		w.problem(t, kind, "%s %s; an import changes nothing that is there: take the line out, or change it by hand first", t.name(), differs)
	}
}

// problem is of the wanted one of two things.
func (w *walk) problem(t *thing, kind error, format string, values ...any) {
	w.problems.add(*t.at, kind, format, values...)
}

// add takes a thing into what is missing.
func (w *walk) add(outer, t *thing) {
	switch t.rank {
	case rankAggregate:
		w.added.Aggregates = append(w.added.Aggregates, Wanted[metal.Aggregate]{t.aggregate, *t.at})
	case rankBlock:
		t.block.Parent = outer.prefix
		w.added.Blocks = append(w.added.Blocks, Wanted[metal.Block]{t.block, *t.at})
	case rankLease:
		t.lease.Block = outer.prefix
		w.added.Leases = append(w.added.Leases, Wanted[Lease]{t.lease, *t.at})
	}
}
