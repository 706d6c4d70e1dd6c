package ipam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// fits says what is wrong with where a thing lies.
func (w *walk) fits(outer, t *thing) {
	switch {
	case !t.wanted() && (outer == nil || !outer.wanted()): // both were there before
	case !t.wanted():
		w.surrounds(outer, t)
	case t.rank == rankAggregate:
		w.aggregateFits(outer, t)
	case outer == nil:
		w.problem(t, metal.ErrNotAllowed, "%s lies in no aggregate; import the aggregate too", t.name())
	case outer.rank == rankLease:
		w.problem(t, outer.kind(), "%s lies in %s; take one of them out, or give the lease back first", t.name(), outer)
	case t.rank == rankBlock:
		w.blockFits(outer, t)
	default:
		w.leaseFits(outer, t)
	}
}

// surrounds is for something wanted around something that is there.
func (w *walk) surrounds(outer, t *thing) {
	if outer.rank == rankAggregate && t.rank != rankAggregate {
		return // blocks from before there were aggregates
	}
	w.problem(outer, t.kind(), "%s would be put around %s; an import moves nothing that is there: make it smaller, or take it out", outer.name(), t)
}

func (w *walk) aggregateFits(outer, t *thing) {
	if outer != nil {
		w.problem(t, metal.ErrOverlap, "%s lies in %s; aggregates are disjoint: take one of them out", t.name(), outer)
	}
}

func (w *walk) blockFits(outer, t *thing) {
	b := t.block
	if outer.rank == rankAggregate {
		if b.Purpose != metal.Pool {
			w.problem(t, metal.ErrNotAllowed, "%s is project %s's, and those are cut from a pool; import the pool around it too", t.name(), b.Project)
		}
		return
	}
	switch o := outer.block; {
	case b.Purpose == metal.Pool:
		w.problem(t, metal.ErrOverlap, "%s lies in %s, and pools do not nest; if it is in use write it as a lease, else take one out", t.name(), outer)
	case o.Purpose != metal.Pool:
		w.problem(t, metal.ErrOverlap, "%s lies in %s, which is project %s's; take one of them out", t.name(), outer, o.Project)
	case o.Site != b.Site || o.Role != b.Role:
		w.problem(t, metal.ErrNotAllowed, "%s is %s at %s, and lies in %s %s at %s; make them agree", t.name(), b.Role, orDash(string(b.Site)), outer,
			o.Role, orDash(string(o.Site)))
	case CheckProject(o, b.Project) != nil:
		w.problem(t, metal.ErrNotAllowed, "%v", CheckProject(o, b.Project))
	}
}

func (w *walk) leaseFits(outer, t *thing) {
	l := t.lease
	if outer.rank == rankAggregate {
		w.problem(t, metal.ErrNotAllowed, "%s lies in no block; import a block around it too", t.name())
		return
	}
	b := outer.block
	switch project := w.projectOf(l); {
	case l.Site != "" && l.Site != b.Site, l.Role != "" && l.Role != b.Role:
		w.problem(t, metal.ErrNotAllowed, "%s is %s at %s, and %s is %s at %s; correct the line or leave site and role empty", t.name(),
			orDash(string(l.Role)), orDash(string(l.Site)), outer, b.Role, orDash(string(b.Site)))
	case project != "" && CheckProject(b, project) != nil:
		w.problem(t, metal.ErrNotAllowed, "%s: %v", t.name(), CheckProject(b, project))
	}
}

func (w *walk) projectOf(l Lease) metal.ProjectID {
	return cmp.Or(l.Project, w.snapshot.ProjectOf(l.Holder))
}

// difference says how what is wanted is not what is there; empty where it is,
// or does not say.
func difference(there, want *thing) string {
	differs := []string{}
	compare := func(what, is, wanted string) {
		if wanted != "" && is != wanted {
			differs = append(differs, fmt.Sprintf("has %s %s there, and %s in the file", what, orDash(is), wanted))
		}
	}
	switch want.rank {
	case rankAggregate:
		compare("registry", there.aggregate.Registry, want.aggregate.Registry)
		compare("status", there.aggregate.Status, want.aggregate.Status)
	case rankBlock:
		compare("site", string(there.block.Site), string(want.block.Site))
		compare("role", string(there.block.Role), string(want.block.Role))
		compare("purpose", string(there.block.Purpose), string(want.block.Purpose))
		compare("project", string(there.block.Project), string(want.block.Project))
		compare("projects", sortedText(there.block.Projects), sortedText(want.block.Projects))
	case rankLease:
		compare("state", string(there.lease.State), string(want.lease.State))
		compare("holder", string(there.lease.Holder), string(want.lease.Holder))
		if want.lease.Ask != want.prefix.String() { // which stands for none
			compare("ask", there.lease.Ask, want.lease.Ask)
		}
	}
	return strings.Join(differs, " and ")
}

// sortedText is a list that differs only where its members do.
func sortedText(projects []metal.ProjectID) string {
	words := make([]string, len(projects))
	for i, p := range projects {
		words[i] = string(p)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// holders checks what is no question of where things lie: an ask stands for one
// prefix, and a holder is of one project.
func (w *walk) holders(p Plan) {
	type ask struct {
		holder metal.Holder
		ask    string
	}
	asks, projects := map[ask]Lease{}, map[metal.Holder]metal.ProjectID{}
	for _, piece := range w.snapshot.Pieces {
		if piece.State == metal.Held {
			asks[ask{piece.Holder, piece.Ask}] = Lease{Piece: piece}
			projects[piece.Holder] = w.snapshot.ProjectOf(piece.Holder)
		}
	}
	for _, want := range p.Leases {
		l := want.Thing
		if l.State != metal.Held {
			continue
		}
		if other, taken := asks[ask{l.Holder, l.Ask}]; taken && other.Prefix != l.Prefix {
			w.problems.add(want.At, metal.ErrInUse, "lease %s of %s: its %q is %s already; write another ask, or none", l.Prefix, l.Holder, l.Ask, other.Prefix)
		}
		asks[ask{l.Holder, l.Ask}] = l
		project := cmp.Or(projects[l.Holder], w.snapshot.ProjectOf(l.Holder))
		if l.Project != "" && project != "" && project != l.Project {
			w.problems.add(want.At, metal.ErrNotAllowed, "lease %s of %s: that is project %s's, and the line says %s; correct the line", l.Prefix, l.Holder, project, l.Project)
		}
		projects[l.Holder] = cmp.Or(project, l.Project)
	}
}
