package ipam

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/metal"
)

func svg(t require.TestingT, p Picture) string {
	var out bytes.Buffer
	require.NoError(t, p.SVG(&out))
	return out.String()
}

func text(t require.TestingT, p Picture, terminal Terminal) string {
	var out bytes.Buffer
	require.NoError(t, p.Text(&out, terminal))
	return out.String()
}

// titles are what an SVG says of its shapes, read by an XML parser.
func titles(t require.TestingT, drawn string) []string {
	in, said, inTitle := xml.NewDecoder(strings.NewReader(drawn)), []string{}, false
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return said
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			inTitle = token.Name.Local == "title"
			for _, a := range token.Attr {
				require.NotContains(t, a.Value, "NaN")
				require.NotContains(t, a.Value, "Inf")
				if a.Name.Local == "width" || a.Name.Local == "height" {
					require.False(t, strings.HasPrefix(a.Value, "-"), "a shape turned inside out")
				}
			}
		case xml.EndElement:
			inTitle = false
		case xml.CharData:
			if inTitle {
				said = append(said, string(token))
			}
		}
	}
}

func TestPicturesOfEverythingAreWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := worlds(t)
		wholes := []netip.Prefix{prefix("0.0.0.0/0"), prefix("::/0"), prefix("198.51.100.3/32"), prefix("2001:db8::1/128"), prefix("203.0.113.0/30")}
		for _, b := range s.Blocks {
			wholes = append(wholes, b.Prefix)
		}
		for _, a := range s.Aggregates {
			wholes = append(wholes, a.Prefix)
		}
		whole := rapid.SampledFrom(wholes).Draw(t, "whole")
		p := NewPicture(whole, s)
		g := p.grid
		require.LessOrEqual(t, len(g.cells), 1<<mostCells)
		for _, c := range g.cells {
			require.LessOrEqual(t, c.held+c.resting, 1+1e-9)
			require.False(t, c.marked && c.pieces+c.rests > 0, "a cell both of one piece and of several")
		}
		if Family(whole) == 4 {
			require.InDelta(t, p.use.Total, p.use.Held+p.use.Resting+p.use.Free+p.unused, 1e-6)
		}
		titles(t, svg(t, p))
		width := rapid.IntRange(50, 200).Draw(t, "width")
		drawn := text(t, p, Terminal{Width: width})
		require.NotContains(t, drawn, "\x1b")
		for _, line := range cellLines(p, width) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), max(width, 16+2+40), line)
		}
	})
}

// cellLines are the lines of a text that are rows of cells.
func cellLines(p Picture, width int) []string {
	s := sheet{Terminal: Terminal{Width: width}, Picture: p}
	s.fit()
	for row := range s.grid.rows {
		s.row(row)
	}
	return strings.Split(strings.TrimRight(s.String(), "\n"), "\n")
}

func TestEveryPieceOfAnExactPictureSaysWhoHasIt(t *testing.T) {
	t.Parallel()
	said := titles(t, svg(t, NewPicture(prefix("198.51.100.0/25"), lab())))
	for _, want := range []string{
		"198.51.100.0/31\nheld by device/d1, project acme, since 2026-11-22",
		"198.51.100.4/31\nquarantined, until 2026-11-22",
		"198.51.100.6/31\nheld by port/tor-r1:xe-0/0/7, since 2026-11-22",
		"198.51.100.16/32\nheld by project/acme, since 2026-11-22",
		"198.51.100.64/26\nfree",
		"198.51.100.16/28 · acme · reservation",
	} {
		require.Contains(t, said, want)
	}
}

func TestACellOfManyPiecesSaysHowManyAndIsShaded(t *testing.T) {
	t.Parallel()
	drawn := svg(t, NewPicture(prefix("10.0.0.0/8"), lab()))
	require.Contains(t, titles(t, drawn), "10.64.0.0/20\n1 piece held, <0.1% of its addresses")
	drawn = svg(t, NewPicture(prefix("10.64.0.0/16"), lab()))
	require.Contains(t, titles(t, drawn), "10.64.0.0/28\n1 piece held, 12.5% of its addresses")
	require.Contains(t, drawn, `class="s1"`)
}

func TestIPv6ShowsOnlyWhatIsUsed(t *testing.T) {
	t.Parallel()
	p := NewPicture(prefix("2001:db8::/32"), lab())
	require.Equal(t, []netip.Prefix{prefix("2001:db8:64:100::/124")}, p.grid.rows, "down to where pieces differ")
	require.Empty(t, NewPicture(prefix("2001:db9::/32"), lab()).grid.rows)
	require.Contains(t, text(t, NewPicture(prefix("2001:db9::/32"), lab()), Terminal{}), "Nothing in it is used.")
}

func TestIPv6RowsAreNoLongerThanWhatIsInThem(t *testing.T) {
	t.Parallel()
	s := Snapshot{Blocks: []metal.Block{{Prefix: prefix("2001:db8::/48"), Site: "lab1", Role: metal.Public, Purpose: metal.Pool}}}
	for _, p := range []string{"2001:db8:0:1::/64", "2001:db8:0:3::/64", "2001:db8:0:40::/64"} {
		s.Pieces = append(s.Pieces, metal.Piece{Prefix: prefix(p), State: metal.Held, Holder: "device/d1"})
	}
	lines := strings.Split(text(t, NewPicture(prefix("2001:db8::/48"), s), Terminal{}), "\n")
	require.Contains(t, lines, "     2001:db8::/60  · ■ · ■ · · · · · · · · · · · ·")
	require.Contains(t, lines, "2001:db8:0:40::/60  ■ · · · · · · · · · · · · · · ·")
}

func TestASnapshotThatContradictsItselfIsDrawn(t *testing.T) {
	t.Parallel()
	s := lab()
	for _, p := range []string{"2001:db8:64:200::/64", "2001:db8:64:200::ff00/120", "2001:db8:64:300::2/127"} {
		s.Pieces = append(s.Pieces, metal.Piece{Prefix: prefix(p), State: metal.Held, Holder: "imported/twice"})
	}
	require.Contains(t, text(t, NewPicture(prefix("2001:db8:64::/48"), s), Terminal{}), "2001:db8:64:200::/64  ■ ■")
}

func TestAPartOfALargePieceIsAllOfThePicture(t *testing.T) {
	t.Parallel()
	s := lab()
	s.Pieces = append(s.Pieces, metal.Piece{Prefix: prefix("10.64.128.0/17"), Block: prefix("10.64.0.0/16"), State: metal.Held, Holder: "imported/lab"})
	p := NewPicture(prefix("10.64.200.0/24"), s)
	require.Equal(t, 256.0, p.use.Held)
	require.Contains(t, text(t, p, Terminal{}), "held 100.0% (256)")
}

func TestSmallPicturesLookAsTheyDid(t *testing.T) {
	t.Parallel()
	p := NewPicture(prefix("198.51.100.0/27"), lab())
	p.Title = "public, lab1"
	golden(t, "picture.svg", []byte(svg(t, p)))
	golden(t, "picture.txt", []byte(text(t, p, Terminal{Width: 80})))
	golden(t, "colour.txt", []byte(text(t, p, Terminal{Width: 80, Colour: true})))
	golden(t, "large.txt", []byte(text(t, NewPicture(prefix("10.64.0.0/16"), lab()), Terminal{Width: 60})))
	golden(t, "ipv6.txt", []byte(text(t, NewPicture(prefix("2001:db8:64::/48"), lab()), Terminal{Width: 80})))
}

func TestNamesCannotBreakOutOfAnSVG(t *testing.T) {
	t.Parallel()
	s := lab()
	s.Pieces[0].Holder = `imported/</title><script>alert(1)</script>`
	s.Blocks[1].Project = `"/><a>`
	p := NewPicture(prefix("198.51.100.0/25"), s)
	p.Title = "<b>&"
	drawn := svg(t, p)
	require.NotContains(t, drawn, "<script>")
	require.NotContains(t, drawn, "<a>")
	require.NotContains(t, drawn, "<b>")
	require.Contains(t, strings.Join(titles(t, drawn), "\n"), `</title><script>`)
}

func TestATextHasTheSameStatesAsTheSnapshot(t *testing.T) {
	t.Parallel()
	lines := strings.Split(text(t, NewPicture(prefix("198.51.100.0/28"), lab()), Terminal{}), "\n")
	require.Contains(t, lines, ".0  ■ ■ ■ ■ ▨ ▨ ■ ■ ■ · · · · · · ·")
}
