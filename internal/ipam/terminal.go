package ipam

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"millwright/internal/metal"
)

// Terminal is what is drawn on.
type Terminal struct {
	Width  int  // columns; 80 where it is not known
	Colour bool // whether to colour: for a person's terminal, never for a file or a pipe
}

// Signs of states. They differ in shape, because colour is not always there.
var signs = map[metal.PieceState]string{metal.Held: "■", metal.Resting: "▨", metal.Free: "·", unused: " "}

// heights are signs of cells of several pieces, by how much is held.
var heights = []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}

// colours are ANSI's own, so that they suit the theme of whoever looks.
var colours = map[metal.PieceState]string{metal.Held: "\x1b[34m", metal.Resting: "\x1b[33m", metal.Free: "\x1b[2m"}

const plain = "\x1b[0m"

// Text draws the picture in characters: the same map as SVG, with coarser cells
// where the terminal is narrow.
func (p Picture) Text(w io.Writer, t Terminal) error {
	if t.Width <= 0 {
		t.Width = 80
	}
	s := sheet{Terminal: t, Picture: p}
	s.fit()
	fmt.Fprintf(&s.Buffer, "%s\n\n", s.name())
	s.bar()
	s.legend()
	s.WriteByte('\n')
	s.columnNames()
	for row := range s.grid.rows {
		s.row(row)
	}
	fmt.Fprintf(&s.Buffer, "\n%s\n", strings.Join(s.caption("higher"), "\n"))
	s.list()
	_, err := w.Write(s.Bytes())
	return err
}

// sheet is a text that grows.
type sheet struct {
	bytes.Buffer
	Terminal
	Picture
	label int // width of the row labels
	cell  int // characters of a cell: 2 where there is room, which makes it square
}

// mostLines of cells fit a window with what is said around them.
const mostLines = 32

// fit makes cells coarser until rows fit, both in length and in number. What
// does not fit at sixteen columns is left to wrap: nobody has such a terminal.
func (s *sheet) fit() {
	for len(s.grid.rows) > mostLines {
		s.grid = s.grid.coarser(s.view)
	}
	for {
		s.label = 0
		for row := range s.grid.rows {
			s.label = max(s.label, utf8.RuneCountInString(s.rowLabel(row)))
		}
		for s.cell = 2; s.cell > 0; s.cell-- {
			if s.label+2+s.cell*s.grid.columns <= s.Width {
				return
			}
		}
		if s.grid.columns <= 16 || Family(s.grid.whole) == 6 {
			s.cell = 1
			return
		}
		s.grid = s.grid.coarser(s.view)
	}
}

// coarser is the same map in half as many columns and half as many rows.
func (g grid) coarser(view Snapshot) grid {
	row := max(g.whole.Bits(), g.rows[0].Bits()-1)
	half := grid{whole: g.whole, columns: g.columns / 2}
	half.cell = row + bits.Len(uint(half.columns)) - 1
	for n := range 1 << (row - g.whole.Bits()) {
		half.rows = append(half.rows, nth(g.whole, row, n))
	}
	half.enter(view)
	return half
}

// paint colours a sign, where colours are wanted.
func (s *sheet) paint(state metal.PieceState, sign string) string {
	if !s.Colour || colours[state] == "" {
		return sign
	}
	return colours[state] + sign + plain
}

// row draws one row: its label and its cells.
func (s *sheet) row(row int) {
	label := s.rowLabel(row)
	s.WriteString(strings.Repeat(" ", s.label-utf8.RuneCountInString(label)) + label + "  ")
	states := s.states(row)
	for column := range s.grid.columns {
		state, sign := states[column], signs[states[column]]
		if state == "" {
			state, sign = s.several(s.grid.cells[row*s.grid.columns+column])
		}
		s.WriteString(s.paint(state, sign))
		s.WriteString(strings.Repeat(" ", s.cell-1))
	}
	s.endLine()
}

// states are those of a row's marks; empty where a cell is of several pieces.
func (s *sheet) states(row int) []metal.PieceState {
	states := make([]metal.PieceState, s.grid.columns)
	for _, m := range s.grid.marks {
		if m.row <= row && row < m.row+m.height {
			for column := m.column; column < m.column+m.width; column++ {
				states[column] = m.State
			}
		}
	}
	return states
}

// several is the sign for a cell of several pieces, or of none.
func (s *sheet) several(c cell) (metal.PieceState, string) {
	switch {
	case c.pieces > 0:
		level := min(len(heights)-1, int(s.grid.shade(c)*float64(len(heights))))
		return metal.Held, heights[level]
	case c.rests > 0:
		return metal.Resting, signs[metal.Resting]
	}
	return metal.Free, signs[metal.Free]
}

// endLine leaves no blanks behind.
func (s *sheet) endLine() {
	s.Truncate(len(bytes.TrimRight(s.Bytes(), " ")))
	s.WriteByte('\n')
}

// columnNames are an IPv6 row's digits.
func (s *sheet) columnNames() {
	if Family(s.grid.whole) == 4 || len(s.grid.rows) == 0 {
		return
	}
	s.WriteString(strings.Repeat(" ", s.label+2))
	for column := range s.grid.columns {
		fmt.Fprintf(&s.Buffer, "%-*x", s.cell, column)
	}
	s.endLine()
}

// bar shows shares as lengths; whatever is there at all has a sign.
func (s *sheet) bar() {
	if s.use.Family == 6 {
		return
	}
	wide, left := min(s.Width, 64), min(s.Width, 64)
	for _, l := range s.legends() {
		if l.units == 0 {
			continue
		}
		n := max(1, min(left, int(share(l.units, s.use.Total)*float64(wide)+0.5)))
		s.WriteString(s.paint(l.state, strings.Repeat(barSigns[l.state], n)))
		left -= n
	}
	s.endLine()
}

var barSigns = map[metal.PieceState]string{metal.Held: "█", metal.Resting: "▒", metal.Free: "─", unused: " "}

// legend breaks its line before an entry that would not fit.
func (s *sheet) legend() {
	used := 0
	for _, l := range s.legends() {
		if l.state == outlined {
			continue
		}
		wide := 2 + len(l.words)
		if used > 0 && used+3+wide > s.Width {
			s.WriteByte('\n')
			used = 0
		} else if used > 0 {
			s.WriteString("   ")
			used += 3
		}
		s.WriteString(s.paint(l.state, signs[l.state]) + " " + l.words)
		used += wide
	}
	s.WriteByte('\n')
}

// mostListed blocks are named: a list that is longer is read by starter ip list.
const mostListed = 20

// list names the blocks within, with how full each is.
func (s *sheet) list() {
	if len(s.blocks) == 0 {
		return
	}
	fmt.Fprintf(&s.Buffer, "\n%s\n", s.inBlocks())
	rooms := s.view.rooms()
	for i, b := range s.blocks {
		if i == mostListed {
			fmt.Fprintf(&s.Buffer, "  and %d more\n", len(s.blocks)-mostListed)
			return
		}
		n := slices.IndexFunc(rooms, func(r *room) bool { return r.Prefix == b.Prefix })
		s.lineOf(rooms[n])
	}
}

// lineOf is a block's line: how full it is, or of IPv6 what is in it.
func (s *sheet) lineOf(r *room) {
	if Family(r.Prefix) == 6 {
		fmt.Fprintf(&s.Buffer, "  %-12s %s\n", plural(len(r.pieces), "piece"), label(r.Block))
		return
	}
	t := tally{}
	t.inside(r)
	part := share(t.use.Held, t.use.Total)
	fill := min(8, int(part*8+0.5))
	if part > 0 {
		fill = max(1, fill)
	}
	fmt.Fprintf(&s.Buffer, "  %s%s %6s  %s\n", s.paint(metal.Held, strings.Repeat("█", fill)),
		s.paint(metal.Free, strings.Repeat("─", 8-fill)), percent(part), label(r.Block))
}
