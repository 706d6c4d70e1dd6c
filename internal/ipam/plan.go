package ipam

import (
	"slices"

	"millwright/internal/metal"
)

// Plan is what files want to be there. Read makes one; Against says what of it
// is missing, or why it cannot be had.
type Plan struct {
	Aggregates []Wanted[metal.Aggregate]
	Blocks     []Wanted[metal.Block]
	Leases     []Wanted[Lease]
	LeftOut    []Problem // lines that were understood and want nothing, each with the reason; no obstacles
}

// Wanted is something, and where it is asked for.
type Wanted[T any] struct {
	Thing T
	At    Source
}

// Lease is a held piece or one in quarantine, with whose it is.
type Lease struct {
	metal.Piece
	Project metal.ProjectID // empty where the holder's name says it, or nobody knows
	Site    metal.SiteID    // as a file says, to be checked against the block; empty where it does not
	Role    metal.Role      // the same
}

// Empty says that a plan wants nothing: all of it is there.
func (p Plan) Empty() bool { return len(p.Aggregates)+len(p.Blocks)+len(p.Leases) == 0 }

// Join makes one plan of several files', so that one may hold the aggregates
// and another what lies in them.
func Join(plans ...Plan) Plan {
	all := Plan{}
	for _, p := range plans {
		all.Aggregates = append(all.Aggregates, p.Aggregates...)
		all.Blocks = append(all.Blocks, p.Blocks...)
		all.Leases = append(all.Leases, p.Leases...)
		all.LeftOut = append(all.LeftOut, p.LeftOut...)
	}
	return all
}

// AddTo is a snapshot as it would be with a plan's things in it: what a dry run
// shows.
func (p Plan) AddTo(s Snapshot) Snapshot {
	with := Snapshot{At: s.At, Aggregates: slices.Clone(s.Aggregates), Blocks: slices.Clone(s.Blocks),
		Pieces: slices.Clone(s.Pieces), Projects: map[metal.Holder]metal.ProjectID{}}
	for holder, project := range s.Projects {
		with.Projects[holder] = project
	}
	for _, w := range p.Aggregates {
		with.Aggregates = append(with.Aggregates, w.Thing)
	}
	for _, w := range p.Blocks {
		with.Blocks = append(with.Blocks, w.Thing)
	}
	for _, w := range p.Leases {
		with.Pieces = append(with.Pieces, w.Thing.Piece)
		if w.Thing.Project != "" {
			with.Projects[w.Thing.Holder] = w.Thing.Project
		}
	}
	return with
}
