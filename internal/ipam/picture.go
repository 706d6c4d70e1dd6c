package ipam

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// Picture is a map of a prefix: what of it is held, in quarantine, free, and in
// no block. SVG and Text draw it.
//
// Addresses run as people read: from left to right, then down. Rows hold a
// power of two of them, so that every prefix is a part of one row or a band of
// whole rows, and an address is found by its row's label and its column. A
// Hilbert curve keeps neighbours nearer, but nobody finds .77 on one.
//
// Up to a /20, a cell is an address. Above, a cell is 1/4096 of the prefix, and
// its shade says how much of it is held. An IPv6 prefix is never drawn whole: a
// row is a prefix in which something is used, its sixteen cells are the next
// hexadecimal digit, and shades count pieces, because of a /64 everything is
// always free.
type Picture struct {
	Title   string // beside the prefix, as "public, lab1"; may be empty
	grid    grid
	use     metal.Use
	unused  float64 // in no block
	held    int     // pieces
	resting int
	view    Snapshot      // what lies in the prefix
	blocks  []metal.Block // within the prefix, in order
}

// NewPicture draws a block, an aggregate, or any other prefix of a snapshot.
func NewPicture(whole netip.Prefix, s Snapshot) Picture {
	whole = whole.Masked()
	view := s.within(whole)
	p := Picture{view: view, grid: newGrid(whole, view)}
	p.count(whole)
	for _, b := range view.Blocks {
		if b.Prefix != whole && Covers(whole, b.Prefix) {
			p.blocks = append(p.blocks, b)
		}
	}
	slices.SortStableFunc(p.blocks, func(a, b metal.Block) int { return a.Prefix.Compare(b.Prefix) })
	return p
}

// within is what of a snapshot concerns one prefix. Pieces that merely stand
// for a block in its parent are gone: the picture shows what is in the block.
func (s Snapshot) within(whole netip.Prefix) Snapshot {
	view := Snapshot{At: s.At, Projects: s.Projects}
	for _, b := range s.Blocks {
		if b.Prefix.Overlaps(whole) {
			view.Blocks = append(view.Blocks, b)
		}
	}
	for _, r := range (Snapshot{Blocks: view.Blocks, Pieces: s.Pieces}).rooms() {
		for _, p := range r.pieces {
			if p.Prefix.Overlaps(whole) {
				view.Pieces = append(view.Pieces, p)
			}
		}
	}
	return view
}

// count sums up by what pieces say, whatever blocks they are in.
func (p *Picture) count(whole netip.Prefix) {
	t := tally{use: metal.Use{Of: whole.String(), Family: Family(whole), Total: Units(whole)}}
	cut := []netip.Prefix{}
	for _, r := range p.view.rooms() {
		cut = append(cut, r.Prefix)
		for _, piece := range r.pieces {
			if piece.State == metal.Resting {
				t.use.Resting += Units(smaller(piece.Prefix, whole))
				p.resting++
			} else {
				p.held++
				t.use.Held += Units(smaller(piece.Prefix, whole))
			}
		}
		for _, free := range r.free {
			if free.Overlaps(whole) {
				t.use.Free += Units(smaller(free, whole))
				t.longest(smaller(free, whole))
			}
		}
	}
	for _, free := range Rest(whole, cut) {
		p.unused += Units(free)
	}
	p.use = t.use
}

// smaller is what two prefixes have in common, where they overlap.
func smaller(a, b netip.Prefix) netip.Prefix {
	if Covers(a, b) {
		return b
	}
	return a
}

// label is how a block is named beside its outline.
func label(b metal.Block) string {
	if b.Project != "" {
		return fmt.Sprintf("%s · %s · %s", b.Prefix, b.Project, b.Purpose)
	}
	return fmt.Sprintf("%s · %s · %s", b.Prefix, b.Role, cmp.Or(string(b.Site), Global))
}

// caption says what a cell is, where more is meaning as more colour or more
// height; and what the largest ask is that still fits.
func (p Picture) caption(more string) []string {
	if p.use.LongestFree.IsValid() {
		return []string{p.grid.caption(more), "Longest free: " + p.use.LongestFree.String() + "."}
	}
	return []string{p.grid.caption(more), "Nothing is free."}
}

// legend is an entry of the legend: a state, and how much of the prefix is in it.
type legend struct {
	state metal.PieceState
	units float64
	words string
}

// outlined is the state of an outline.
const outlined metal.PieceState = "outline"

// legends leaves out what is nowhere to be seen, but never held and free.
func (p Picture) legends() []legend {
	all := []legend{
		{metal.Held, p.use.Held, "held " + p.amount(p.use.Held, p.held)},
		{metal.Free, p.use.Free, "free " + p.amount(p.use.Free, 0)},
	}
	if p.use.Resting > 0 {
		all = slices.Insert(all, 1, legend{metal.Resting, p.use.Resting, "in quarantine " + p.amount(p.use.Resting, p.resting)})
	}
	if p.unused > 0 {
		all = append(all, legend{unused, p.unused, "in no block " + p.amount(p.unused, 0)})
	}
	if len(p.blocks) > 0 {
		all = append(all, legend{outlined, 0, p.inBlocks()})
	}
	return all
}

// amount is "62.5% (160)". Pieces of IPv6 are counted instead: they are too
// small to have a share.
func (p Picture) amount(units float64, pieces int) string {
	if p.use.Family == 6 && pieces > 0 {
		return plural(pieces, "piece")
	}
	part := share(units, p.use.Total)
	if pieces == 0 && part == 1 && p.held+p.resting > 0 { // what is taken is below a float's precision
		return ">99.9%"
	}
	return fmt.Sprintf("%s (%s)", percent(part), sized(units, p.use.Family))
}

// inBlocks says how much was cut from the prefix as blocks of their own.
func (p Picture) inBlocks() string {
	units, last := 0.0, netip.Prefix{}
	for _, b := range p.blocks {
		if !last.IsValid() || !Covers(last, b.Prefix) {
			units, last = units+Units(b.Prefix), b.Prefix
		}
	}
	return fmt.Sprintf("%s within (%s)", plural(len(p.blocks), "block"), percent(share(units, p.use.Total)))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
