package ipam

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"millwright/internal/metal"
)

// cells draws what is at least as large as a cell as one shape each, so that
// fragments are seen, and every other cell by its shade.
func (d *drawing) cells() {
	for _, m := range d.grid.marks {
		d.add(`<g><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f"/>%s</g>`,
			html.EscapeString(d.saying(m)), class(m.State), d.x(m)+1, d.y(m)+1, d.wide(m)-2, d.high(m)-2, d.round(), d.inscription(m))
	}
	for i, c := range d.grid.cells {
		if !c.marked {
			d.shaded(i/d.grid.columns, i%d.grid.columns, c)
		}
	}
}

func (d *drawing) x(m mark) float64    { return d.left + float64(m.column)*d.cellWidth }
func (d *drawing) y(m mark) float64    { return d.top + float64(m.row)*d.cellHeight }
func (d *drawing) wide(m mark) float64 { return float64(m.width) * d.cellWidth }
func (d *drawing) high(m mark) float64 { return float64(m.height) * d.cellHeight }
func (d *drawing) round() float64      { return min(5, d.cellHeight/5) }

// inscription is a mark's last digits, where there is room for them: what its
// row label lacks to an address.
func (d *drawing) inscription(m mark) string {
	if d.cellWidth < 30 || m.State == unused {
		return ""
	}
	octets := strings.Split(m.Prefix.Addr().String(), ".")
	words := "." + octets[3]
	if m.width > 1 {
		words += "/" + strconv.Itoa(m.Prefix.Bits())
	}
	return fmt.Sprintf(`<text class="in %s" x="%.1f" y="%.1f">%s</text>`, "in-"+class(m.State),
		d.x(m)+d.wide(m)/2, d.y(m)+d.high(m)/2+3.5, words)
}

// shaded draws a cell of several pieces; what of it rests is a band at its foot.
func (d *drawing) shaded(row, column int, c cell) {
	m := mark{row: row, column: column, width: 1, height: 1}
	kind := "free"
	if shade := d.grid.shade(c); shade > 0 {
		kind = "s" + strconv.Itoa(step(shade))
	}
	rect := fmt.Sprintf(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f"/>`, kind, d.x(m)+1, d.y(m)+1,
		d.cellWidth-2, d.cellHeight-2, min(2, d.round()))
	if c.pieces+c.rests == 0 {
		d.add("%s", rect)
		return
	}
	if c.rests > 0 {
		foot := max(3, c.resting*(d.cellHeight-2))
		rect += fmt.Sprintf(`<rect class="rest" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, d.x(m)+1,
			d.y(m)+d.cellHeight-1-foot, d.cellWidth-2, foot)
	}
	d.add(`<g><title>%s</title>%s</g>`, html.EscapeString(d.sayingOf(d.grid.at(row, column), c)), rect)
}

// outlines draws the blocks within the picture, and names them at its right. A
// label stays near its block; those that find no room are counted, and an
// outline says its name when it is pointed at.
func (d *drawing) outlines() {
	free, unnamed := d.top, 0 // where the next label may be
	lowest := d.top + float64(len(d.grid.rows))*d.cellHeight
	for _, b := range d.blocks {
		m, ok := d.grid.place(b.Prefix)
		if !ok {
			continue
		}
		if b.Prefix.Bits() > d.grid.cell { // too small to point at
			unnamed++
			continue
		}
		d.add(`<g><title>%s</title><rect class="outline" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f" stroke-width="%.1f"/></g>`,
			html.EscapeString(label(b)), d.x(m), d.y(m), d.wide(m), d.high(m), d.round()+1, max(1, min(2, d.cellHeight/12)))
		y := max(free, d.y(m))
		if y-d.y(m) > 3*labelHeight || y+labelHeight > lowest {
			unnamed++
			continue
		}
		d.name(b, d.y(m)+min(8, d.cellHeight/2), y)
		free = y + labelHeight
	}
	if unnamed > 0 {
		d.add(`<text class="dim" x="%.1f" y="%.1f">and %d more</text>`, d.right+20, free+12, unnamed)
	}
}

// name writes a block's name at y, with a line to where the block begins.
func (d *drawing) name(b metal.Block, from, y float64) {
	d.add(`<path class="tick" d="M%.1f %.1fh5l5 %.1fh5"/>`, d.right+2, from, y+8-from)
	d.add(`<text class="name" x="%.1f" y="%.1f">%s</text>`, d.right+20, y+12, html.EscapeString(label(b)))
}

// class is a state's CSS class.
func class(state metal.PieceState) string {
	switch state {
	case metal.Held:
		return "held"
	case metal.Resting:
		return "rest"
	case metal.Free:
		return "free"
	case outlined:
		return "outline"
	}
	return "none"
}
