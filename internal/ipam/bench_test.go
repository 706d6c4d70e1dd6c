package ipam

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// large is a /8 with a pool of a /12 for each of sixteen sites, of which every
// other link is held: 2^17 leases.
func large() Snapshot {
	s := Snapshot{At: noon, Aggregates: []metal.Aggregate{{Prefix: prefix("10.0.0.0/8"), Registry: "rfc1918"}}}
	for site := range 16 {
		pool := nth(prefix("10.0.0.0/8"), 12, site)
		s.Blocks = append(s.Blocks, metal.Block{Prefix: pool, Parent: prefix("10.0.0.0/8"), Site: metal.SiteID(fmt.Sprintf("lab%d", site)),
			Role: metal.Private, Purpose: metal.Pool})
		for link := range 1 << 13 {
			p := nth(pool, 31, 2*link)
			s.Pieces = append(s.Pieces, metal.Piece{Prefix: p, Block: pool, State: metal.Held,
				Holder: metal.Holder("device/" + p.String()), Ask: "private4", Since: noon})
		}
	}
	return s
}

func bench(b *testing.B, name string, once func()) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			once()
		}
	})
}

func BenchmarkOf131072Leases(b *testing.B) {
	s := large()
	var file bytes.Buffer
	require.NoError(b, ExportCSV(&file, s))
	whole := prefix("10.0.0.0/8")
	bench(b, "use by site", func() { Uses(s, BySite) })
	bench(b, "picture", func() { require.NoError(b, NewPicture(whole, s).SVG(io.Discard)) })
	bench(b, "picture of a /24", func() { require.NoError(b, NewPicture(netip.MustParsePrefix("10.0.0.0/24"), s).SVG(io.Discard)) })
	bench(b, "export", func() { require.NoError(b, ExportCSV(io.Discard, s)) })
	bench(b, "read", func() {
		_, err := Read(bytes.NewReader(file.Bytes()), "f", NetBox{})
		require.NoError(b, err)
	})
	plan, err := Read(&file, "f", NetBox{})
	require.NoError(b, err)
	bench(b, "compare with all there", func() {
		left, err := plan.Against(s)
		require.NoError(b, err)
		require.True(b, left.Empty())
	})
	bench(b, "compare with nothing there", func() {
		_, err := plan.Against(Snapshot{})
		require.NoError(b, err)
	})
}
