package ipam

import (
	"fmt"
	"math"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// grid is a picture's geometry, with what is known of each cell.
type grid struct {
	whole   netip.Prefix
	rows    []netip.Prefix // in order; all of whole for IPv4, what is used for IPv6
	columns int            // a power of two
	cell    int            // prefix length of a cell
	cells   []cell         // row by row
	marks   []mark         // what is at least as large as a cell
	highest int            // pieces in the fullest cell of several
}

// cell is a prefix that is drawn as one. Shares are of the cell, 0 to 1.
type cell struct {
	held, resting float64
	pieces, rests int  // smaller pieces in it, held and resting
	marked        bool // a mark covers it
}

// unused is the state of what is in no block.
const unused metal.PieceState = "in no block"

// mark is what is drawn as itself, a part of a row or several rows: a piece, or
// a prefix that is free or unused.
type mark struct {
	metal.Piece
	row, column, width, height int // in cells
}

const (
	mostCells = 12 // bits: 64 by 64 cells can still be pointed at
	mostRows  = 32 // of IPv6: a list that fits a screen
)

func newGrid(whole netip.Prefix, view Snapshot) grid {
	g := grid{whole: whole}
	if Family(whole) == 4 {
		g.tile()
	} else {
		g.list(view)
	}
	g.enter(view)
	return g
}

// enter puts everything into a grid whose rows and columns are known.
func (g *grid) enter(view Snapshot) {
	g.cells = make([]cell, len(g.rows)*g.columns)
	for _, p := range view.Pieces {
		g.put(p)
	}
	if Family(g.whole) == 4 {
		g.fill(view)
	}
	for _, c := range g.cells {
		g.highest = max(g.highest, c.pieces)
	}
}

// tile lays out IPv4: 16 columns as people count a /24, more where there are
// more addresses, up to 64.
func (g *grid) tile() {
	bits := min(32-g.whole.Bits(), mostCells)
	across := min(bits, max(4, (bits+1)/2))
	g.cell, g.columns = g.whole.Bits()+bits, 1<<across
	row := g.whole.Bits() + bits - across
	for n := range 1 << (bits - across) {
		g.rows = append(g.rows, nth(g.whole, row, n))
	}
}

// list lays out IPv6: the longest rows, by whole digits, that are not too many
// and not longer than what is in them.
func (g *grid) list(view Snapshot) {
	longest := g.whole.Bits()
	for _, p := range view.Pieces {
		longest = max(longest, p.Prefix.Bits())
	}
	g.columns = 16
	digits := min(g.whole.Bits()/4, 31)
	g.rows = usedRows(g.whole, digits*4, view)
	for (digits+1)*4 < longest {
		deeper := usedRows(g.whole, (digits+1)*4, view)
		if len(deeper) > mostRows {
			break
		}
		digits++
		g.rows = deeper
	}
	g.cell = digits*4 + 4
}

// usedRows are the prefixes of a length in which pieces are; a piece that is
// larger is a row of its own.
func usedRows(whole netip.Prefix, bits int, view Snapshot) []netip.Prefix {
	used := map[netip.Prefix]bool{}
	for _, p := range view.Pieces {
		if !Covers(whole, p.Prefix) {
			p.Prefix = whole
		}
		used[netip.PrefixFrom(p.Prefix.Addr(), min(bits, p.Prefix.Bits())).Masked()] = true
	}
	rows := []netip.Prefix{}
	for row := range used {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, netip.Prefix.Compare)
	return rows
}

// put enters a piece.
func (g *grid) put(p metal.Piece) {
	larger := p.Prefix.Bits() <= g.cell
	g.cover(p.Prefix, func(c *cell, part float64) {
		switch {
		case larger:
			c.marked = true
		case p.State == metal.Resting:
			c.resting += part
			c.rests++
		case p.State == metal.Held:
			c.held += part
			c.pieces++
		}
	})
	if m, ok := g.place(p.Prefix); ok && larger {
		m.Piece = p
		g.marks = append(g.marks, m)
	}
}

// fill enters what is free, and what is in no block.
func (g *grid) fill(view Snapshot) {
	cut := []netip.Prefix{}
	for _, r := range view.rooms() {
		cut = append(cut, r.Prefix)
		for _, p := range r.free {
			g.put(metal.Piece{Prefix: p, Block: r.Prefix, State: metal.Free})
		}
	}
	for _, p := range Rest(g.whole, cut) {
		g.put(metal.Piece{Prefix: p, State: unused})
	}
}

// cover calls f for each cell that a prefix has a part of.
func (g *grid) cover(p netip.Prefix, f func(c *cell, part float64)) {
	m, ok := g.place(p)
	if !ok {
		return
	}
	part := 1.0
	if p.Bits() > g.cell {
		part = share(Units(p), Units(netip.PrefixFrom(p.Addr(), g.cell)))
	}
	for row := m.row; row < m.row+m.height; row++ {
		for column := m.column; column < m.column+m.width; column++ {
			f(&g.cells[row*g.columns+column], part)
		}
	}
}

// place is where a prefix lies: the cells that it covers, or the one that it is
// in. False where it is in no row.
func (g *grid) place(p netip.Prefix) (mark, bool) {
	first, found := slices.BinarySearchFunc(g.rows, p, func(row, p netip.Prefix) int {
		if row.Overlaps(p) {
			return 0
		}
		return row.Compare(p)
	})
	if !found {
		return mark{}, false
	}
	row := g.rows[first]
	// A row that is shorter than others is one large piece: nothing in it has
	// a column.
	if Covers(p, row) || 1<<(g.cell-row.Bits()) != g.columns {
		m := mark{row: first, width: g.columns, height: 1}
		for n := first + 1; n < len(g.rows) && Covers(p, g.rows[n]); n++ {
			m.height++
		}
		return m, true
	}
	m := mark{row: first, height: 1, width: 1, column: digits(p.Addr(), row.Bits(), g.cell)}
	if p.Bits() < g.cell {
		m.width = 1 << (g.cell - p.Bits())
	}
	return m, true
}

// at is the prefix that a cell is.
func (g *grid) at(row, column int) netip.Prefix { return nth(g.rows[row], g.cell, column) }

// nth is the n-th prefix of a length within another.
func nth(outer netip.Prefix, bits, n int) netip.Prefix {
	bytes := outer.Addr().AsSlice()
	for bit := bits - 1; n > 0; bit-- {
		bytes[bit/8] |= byte(n&1) << (7 - bit%8)
		n >>= 1
	}
	addr, _ := netip.AddrFromSlice(bytes) // 4 or 16 bytes, as they came from an address
	return netip.PrefixFrom(addr, bits)
}

// digits reads some bits of an address as a number.
func digits(a netip.Addr, from, to int) int {
	bytes, n := a.AsSlice(), 0
	for bit := from; bit < to; bit++ {
		n = n<<1 | int(bytes[bit/8]>>(7-bit%8)&1)
	}
	return n
}

// exact says whether a cell is one address, so that nothing is smaller.
func (g *grid) exact() bool { return g.cell == g.whole.Addr().BitLen() }

func (g *grid) caption(more string) string {
	switch {
	case len(g.rows) == 0:
		return "Nothing in it is used."
	case Family(g.whole) == 6 && g.exact():
		return "Rows: what is used. A cell is an address, by its last digit."
	case Family(g.whole) == 6:
		return fmt.Sprintf("Rows: what is used. A cell is a /%d, by its last digit; %s: more pieces, up to %d.", g.cell, more, g.highest)
	case g.exact():
		return fmt.Sprintf("A cell is an address, a row a /%d.", g.rows[0].Bits())
	}
	return fmt.Sprintf("A cell is a /%d, a row a /%d; %s: more of it held.", g.cell, g.rows[0].Bits(), more)
}

// shade is how much colour a cell of several pieces gets, 0 to 1. Of IPv6, where
// shares are next to nothing, it grows with the logarithm of the count.
func (g *grid) shade(c cell) float64 {
	if Family(g.whole) == 4 {
		return c.held
	}
	return share(log(c.pieces), log(g.highest))
}

func log(n int) float64 { return math.Log2(float64(n) + 1) }
