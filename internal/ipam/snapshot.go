package ipam

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Snapshot is address space at one moment. Free pieces may be left out of it:
// what no other piece and no block covers is free.
type Snapshot struct {
	At         time.Time
	Aggregates []metal.Aggregate
	Blocks     []metal.Block
	Pieces     []metal.Piece
	Projects   map[metal.Holder]metal.ProjectID // whose a holder is; "project/<id>" needs no entry
}

// ProjectOf is the project that a holder belongs to; empty for ports, and for
// what nobody told.
func (s Snapshot) ProjectOf(h metal.Holder) metal.ProjectID {
	if id, ok := strings.CutPrefix(string(h), metal.ProjectHolder); ok {
		return metal.ProjectID(id)
	}
	return s.Projects[h]
}

// room is a block with what lies in it directly: the pieces of no smaller
// block, and the blocks that are cut from it.
type room struct {
	metal.Block
	pieces  []metal.Piece // held and resting
	within  []*room
	outmost bool // cut from an aggregate
	free    []netip.Prefix
}

// rooms puts a snapshot in order, outer blocks first. A parent's piece that is
// as large as a block in it stands for that block, and is not counted twice.
func (s Snapshot) rooms() []*room {
	all := make([]*room, 0, len(s.Blocks))
	for _, b := range s.Blocks {
		all = append(all, &room{Block: b, outmost: true})
	}
	slices.SortStableFunc(all, func(a, b *room) int { return a.Prefix.Compare(b.Prefix) })
	pieces := slices.DeleteFunc(slices.Clone(s.Pieces), func(p metal.Piece) bool { return p.State == metal.Free })
	slices.SortStableFunc(pieces, func(a, b metal.Piece) int { return a.Prefix.Compare(b.Prefix) })
	nest(all, pieces)
	for _, r := range all {
		r.free = r.rest()
	}
	return all
}

// nest walks blocks and pieces side by side, with the blocks around the present
// one on a stack.
func nest(rooms []*room, pieces []metal.Piece) {
	var around []*room
	leave := func(p netip.Prefix) {
		for len(around) > 0 && !Covers(around[len(around)-1].Prefix, p) {
			around = around[:len(around)-1]
		}
	}
	next := 0
	for _, p := range pieces {
		for ; next < len(rooms) && rooms[next].Prefix.Compare(p.Prefix) <= 0; next++ {
			leave(rooms[next].Prefix)
			around = enter(around, rooms[next])
		}
		leave(p.Prefix)
		if len(around) == 0 {
			continue
		}
		if inner := around[len(around)-1]; !standsFor(p, inner) {
			inner.pieces = append(inner.pieces, p)
		}
	}
	for ; next < len(rooms); next++ {
		leave(rooms[next].Prefix)
		around = enter(around, rooms[next])
	}
}

// enter goes into a block, whose parent is on top of the stack.
func enter(around []*room, r *room) []*room {
	if len(around) > 0 {
		r.outmost = false
		parent := around[len(around)-1]
		parent.within = append(parent.within, r)
	}
	return append(around, r)
}

// standsFor says whether a piece is a parent's record of a block that was cut
// from it: it is as large as the block, and names another one.
func standsFor(p metal.Piece, inner *room) bool {
	return p.Prefix == inner.Prefix && p.Block.IsValid() && p.Block != inner.Prefix
}

func (r *room) rest() []netip.Prefix {
	taken := make([]netip.Prefix, 0, len(r.pieces)+len(r.within))
	for _, p := range r.pieces {
		taken = append(taken, p.Prefix)
	}
	for _, b := range r.within {
		taken = append(taken, b.Prefix)
	}
	return Rest(r.Prefix, taken)
}
