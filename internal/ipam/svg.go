package ipam

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"millwright/internal/metal"
)

// Measures of an SVG, in pixels.
const (
	margin      = 28
	headHeight  = 112 // title, subtitle, bar, legend
	footHeight  = 34
	letter      = 7.3  // width of a monospaced letter of 12 px; 7.2 in most fonts
	gap         = 12   // between labels and cells
	small       = 6.95 // width of a letter of 11.5 px
	labelHeight = 16
)

// layout is where things are in one SVG.
type layout struct {
	cellWidth, cellHeight float64
	left, top             float64 // of the cells
	right                 float64 // of the cells; labels of blocks are beyond
	width, height         float64 // of all
}

func (p Picture) layout() layout {
	g := &p.grid
	l := layout{top: headHeight + margin}
	switch {
	case Family(g.whole) == 6:
		l.cellWidth, l.cellHeight, l.top = 28, 24, l.top+20
	case g.columns <= 16:
		l.cellWidth, l.cellHeight, l.top = 38, 38, l.top+20
	case g.columns == 32:
		l.cellWidth, l.cellHeight = 20, 20
	default:
		l.cellWidth, l.cellHeight = 11, 11
	}
	longest := 0
	for row := range g.rows {
		longest = max(longest, len(p.rowLabel(row)))
	}
	l.left = margin + float64(longest)*letter + gap
	l.right = l.left + float64(g.columns)*l.cellWidth
	widest := 0
	for _, b := range p.blocks {
		widest = max(widest, utf8.RuneCountInString(label(b)))
	}
	l.width = max(l.right+margin, 2*margin+float64(len(p.foot()))*small, 2*margin+p.legendWidth())
	if widest > 0 {
		l.width = max(l.width, l.right+4*gap+float64(widest)*letter)
	}
	l.height = l.top + float64(len(g.rows))*l.cellHeight + footHeight + margin
	return l
}

// SVG draws the picture for a browser or a page: light or dark as its reader
// likes, without scripts or anything to load. Pointing at a cell names its
// prefix, its state and its holder.
func (p Picture) SVG(w io.Writer) error {
	d := &drawing{Picture: p, layout: p.layout()}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img">`,
		d.width, d.height, d.width, d.height)
	d.add(`<title>%s</title>`, html.EscapeString(p.name()))
	d.WriteString(style())
	d.add(`<rect class="page" width="100%%" height="100%%"/>`)
	d.head()
	d.labels()
	d.cells()
	d.outlines()
	d.add(`<text class="dim" x="%d" y="%.0f">%s</text>`, margin, d.height-margin, p.foot())
	d.add(`</svg>`)
	_, err := w.Write(d.Bytes())
	return err
}

func (p Picture) name() string {
	if p.Title == "" {
		return p.grid.whole.String()
	}
	return p.grid.whole.String() + " · " + p.Title
}

func (p Picture) foot() string { return strings.Join(p.caption("darker"), " ") }

// drawing is an SVG that grows.
type drawing struct {
	bytes.Buffer
	Picture
	layout
}

func (d *drawing) add(format string, values ...any) {
	fmt.Fprintf(&d.Buffer, format, values...)
	d.WriteByte('\n')
}

// head draws the title, a bar of what is held, in quarantine and free, and the
// legend, which names the bar's parts.
func (d *drawing) head() {
	d.add(`<text class="title" x="%d" y="%d">%s</text>`, margin, margin+18, html.EscapeString(d.grid.whole.String()))
	if d.Title != "" {
		d.add(`<text class="sub" x="%.0f" y="%d">%s</text>`, margin+float64(len(d.grid.whole.String())+1)*12.6, margin+18,
			html.EscapeString(d.Title))
	}
	d.bar()
	d.keys()
}

// bar is what the legend says, as lengths. Of IPv6 there is nothing to see.
func (d *drawing) bar() {
	if d.use.Family == 6 {
		return
	}
	full, x := d.width-2*margin, float64(margin)
	d.add(`<rect class="free" x="%d" y="%d" width="%.1f" height="10" rx="5"/>`, margin, margin+34, full)
	d.add(`<clipPath id="bar"><rect x="%d" y="%d" width="%.1f" height="10" rx="5"/></clipPath><g clip-path="url(#bar)">`, margin, margin+34, full)
	for _, l := range d.legends() {
		wide := full * share(l.units, d.use.Total)
		if l.units > 0 {
			wide = max(wide, 2) // what is there is seen
			d.add(`<rect class="%s" x="%.1f" y="%d" width="%.1f" height="10"/>`, class(l.state), x, margin+34, wide)
		}
		x += wide
	}
	d.add(`</g>`)
}

// keys is the legend: a swatch for each state, and one for outlines.
func (d *drawing) keys() {
	x := float64(margin)
	for _, l := range d.legends() {
		d.add(`<rect class="%s" x="%.0f" y="%d" width="12" height="12" rx="3"/>`, class(l.state), x, margin+58)
		d.add(`<text class="key" x="%.0f" y="%d">%s</text>`, x+18, margin+68, html.EscapeString(l.words))
		x += keyWidth(l)
	}
}

func keyWidth(l legend) float64 { return 18 + float64(len(l.words))*small + 22 }

func (p Picture) legendWidth() float64 {
	width := 0.0
	for _, l := range p.legends() {
		width += keyWidth(l)
	}
	return width
}

// labels names rows by their first address, and columns where they are digits.
func (d *drawing) labels() {
	every := max(1, int(15/d.cellHeight+0.99))
	for row := 0; row < len(d.grid.rows); row += every {
		d.add(`<text class="axis" text-anchor="end" x="%.1f" y="%.1f">%s</text>`, d.left-gap,
			d.top+(float64(row)+0.5)*d.cellHeight+4, d.rowLabel(row))
	}
	if len(d.grid.rows) == 0 || d.grid.columns > 16 {
		return
	}
	form := "%d"
	if Family(d.grid.whole) == 6 {
		form = "%x"
	}
	for column := range d.grid.columns {
		d.add(`<text class="axis" text-anchor="middle" x="%.1f" y="%.1f">`+form+`</text>`,
			d.left+(float64(column)+0.5)*d.cellWidth, d.top-8, column)
	}
}

// rowLabel leaves out what every address of the picture begins with.
func (p Picture) rowLabel(row int) string {
	prefix := p.grid.rows[row]
	if Family(prefix) == 6 {
		return prefix.String()
	}
	octets := strings.Split(prefix.Addr().String(), ".")
	switch {
	case p.grid.whole.Bits() >= 24:
		return "." + octets[3]
	case p.grid.whole.Bits() >= 16:
		return "." + octets[2] + "." + octets[3]
	}
	return prefix.Addr().String()
}

// saying is what is said of a mark that is pointed at.
func (p Picture) saying(m mark) string {
	line := m.Prefix.String() + "\n" + string(m.State)
	switch m.State {
	case metal.Held:
		line += " by " + string(m.Holder)
		if project := p.view.ProjectOf(m.Holder); project != "" && metal.Holder(metal.ProjectHolder+project) != m.Holder {
			line += ", project " + string(project)
		}
		line += day(", since ", m.Since)
	case metal.Resting:
		if m.Holder != "" {
			line += ", was " + string(m.Holder)
		}
		line += day(", until ", m.FreedAt)
	}
	return line
}

func day(before string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return before + t.UTC().Format(time.DateOnly)
}

// sayingOf is what is said of a cell of several pieces.
func (p Picture) sayingOf(prefix netip.Prefix, c cell) string {
	line := fmt.Sprintf("%s\n%s held", prefix, plural(c.pieces, "piece"))
	if Family(prefix) == 4 {
		line += ", " + percent(c.held) + " of its addresses"
	}
	if c.rests > 0 {
		line += fmt.Sprintf("\n%d in quarantine", c.rests)
	}
	return line
}
