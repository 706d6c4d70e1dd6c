package ipam

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/metal"
)

var prefix = netip.MustParsePrefix

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// parts draws disjoint prefixes within one, in order.
func parts(t *rapid.T, whole netip.Prefix, depth int) []netip.Prefix {
	switch action := rapid.IntRange(0, 3).Draw(t, "action"); {
	case action == 0 || whole.Bits() == whole.Addr().BitLen():
		return []netip.Prefix{whole}
	case action == 1 || depth == 0:
		return nil
	}
	low, high := halves(whole)
	return append(parts(t, low, depth-1), parts(t, high, depth-1)...)
}

// worlds draws snapshots as a store would give them: every invariant kept, every
// kind of thing there.
func worlds(t *rapid.T) Snapshot {
	s := Snapshot{At: noon, Projects: map[metal.Holder]metal.ProjectID{}}
	for i, whole := range []string{"198.51.100.0/24", "10.64.0.0/16", "2001:db8::/32"} {
		a := metal.Aggregate{Prefix: prefix(whole), Registry: []string{"ripe", "rfc1918", "ripe"}[i], Status: "ALLOCATED PA",
			Given: noon.AddDate(0, -i, 0).Truncate(24 * time.Hour), Note: rapid.SampledFrom([]string{"", "a, \"quoted\"; note", "zwei\nZeilen"}).Draw(t, "note")}
		s.Aggregates = append(s.Aggregates, a)
		for _, p := range parts(t, a.Prefix, 5) {
			pool := block(t, p, a.Prefix)
			s.Blocks = append(s.Blocks, pool)
			s.fillPool(t, pool)
		}
	}
	return s
}

func block(t *rapid.T, p, parent netip.Prefix) metal.Block {
	b := metal.Block{Prefix: p, Parent: parent, Site: "lab1", Purpose: metal.Pool, MadeAt: noon.Add(-time.Nanosecond),
		Role: rapid.SampledFrom(roles).Draw(t, "role")}
	if b.Role == metal.Anycast {
		b.Site = ""
	}
	if rapid.Bool().Draw(t, "restricted") {
		b.Projects = []metal.ProjectID{"acme", "globex"}
	}
	return b
}

// fillPool puts leases, quarantines and projects' blocks with leases into a pool.
func (s *Snapshot) fillPool(t *rapid.T, pool metal.Block) {
	for _, p := range parts(t, pool.Prefix, 6) {
		if p != pool.Prefix && rapid.IntRange(0, 3).Draw(t, "cut") == 0 {
			b := metal.Block{Prefix: p, Parent: pool.Prefix, Site: pool.Site, Role: pool.Role, MadeAt: noon,
				Purpose: rapid.SampledFrom([]metal.Purpose{metal.Own, metal.Reservation}).Draw(t, "purpose"), Project: "acme"}
			s.Blocks = append(s.Blocks, b)
			for _, q := range parts(t, p, 3) {
				s.piece(t, q, p, "acme")
			}
			continue
		}
		s.piece(t, p, pool.Prefix, "globex")
	}
}

func (s *Snapshot) piece(t *rapid.T, p, block netip.Prefix, project metal.ProjectID) {
	if rapid.IntRange(0, 4).Draw(t, "rests") == 0 {
		s.Pieces = append(s.Pieces, metal.Piece{Prefix: p, Block: block, State: metal.Resting, Since: noon, FreedAt: noon.Add(15 * time.Minute)})
		return
	}
	holder := metal.Holder(rapid.SampledFrom([]string{"device/" + p.String(), "port/tor-r1:xe-0/0/1", "project/" + string(project), "imported/web 1"}).Draw(t, "holder"))
	if holder == metal.Holder("device/"+p.String()) {
		s.Projects[holder] = project
	}
	s.Pieces = append(s.Pieces, metal.Piece{Prefix: p, Block: block, State: metal.Held, Holder: holder, Ask: p.String(), Since: noon.Add(-time.Hour)})
}

// lab is a small world with one of everything, for examples.
func lab() Snapshot {
	s := Snapshot{At: noon,
		Aggregates: []metal.Aggregate{
			{Prefix: prefix("198.51.100.0/24"), Registry: "ripe", Status: "ALLOCATED PA", Given: noon.AddDate(-1, 0, 0).Truncate(24 * time.Hour)},
			{Prefix: prefix("2001:db8::/32"), Registry: "ripe", Status: "ALLOCATED-BY-RIR"},
			{Prefix: prefix("10.0.0.0/8"), Registry: "rfc1918"},
		},
		Blocks: []metal.Block{
			{Prefix: prefix("198.51.100.0/25"), Parent: prefix("198.51.100.0/24"), Site: "lab1", Role: metal.Public, Purpose: metal.Pool, MadeAt: noon},
			{Prefix: prefix("198.51.100.16/28"), Parent: prefix("198.51.100.0/25"), Site: "lab1", Role: metal.Public, Purpose: metal.Reservation, Project: "acme", MadeAt: noon},
			{Prefix: prefix("198.51.100.224/27"), Parent: prefix("198.51.100.0/24"), Role: metal.Anycast, Purpose: metal.Pool, MadeAt: noon},
			{Prefix: prefix("10.64.0.0/16"), Parent: prefix("10.0.0.0/8"), Site: "lab1", Role: metal.Private, Purpose: metal.Pool, MadeAt: noon},
			{Prefix: prefix("2001:db8:64::/48"), Parent: prefix("2001:db8::/32"), Site: "lab1", Role: metal.Public, Purpose: metal.Pool, MadeAt: noon},
			{Prefix: prefix("2001:db8:64:100::/56"), Parent: prefix("2001:db8:64::/48"), Site: "lab1", Role: metal.Public, Purpose: metal.Own, Project: "acme", MadeAt: noon},
		},
		Projects: map[metal.Holder]metal.ProjectID{"device/d1": "acme", "device/d2": "globex"},
	}
	held := func(p, block string, holder metal.Holder) {
		s.Pieces = append(s.Pieces, metal.Piece{Prefix: prefix(p), Block: prefix(block), State: metal.Held, Holder: holder, Ask: p, Since: noon})
	}
	held("198.51.100.0/31", "198.51.100.0/25", "device/d1")
	held("198.51.100.2/31", "198.51.100.0/25", "device/d2")
	held("198.51.100.6/31", "198.51.100.0/25", "port/tor-r1:xe-0/0/7")
	held("198.51.100.8/32", "198.51.100.0/25", "imported/Erika Mustermann")
	held("198.51.100.16/32", "198.51.100.16/28", "project/acme")
	held("10.64.0.0/31", "10.64.0.0/16", "device/d1")
	held("2001:db8:64:100::/127", "2001:db8:64:100::/56", "device/d1")
	s.Pieces = append(s.Pieces,
		metal.Piece{Prefix: prefix("198.51.100.4/31"), Block: prefix("198.51.100.0/25"), State: metal.Resting, Since: noon, FreedAt: noon.Add(15 * time.Minute)},
		metal.Piece{Prefix: prefix("2001:db8:64:100::2/127"), Block: prefix("2001:db8:64:100::/56"), State: metal.Resting, Since: noon, FreedAt: noon.Add(15 * time.Minute)})
	return s
}

func TestWhatIsLeftTilesWhatWasThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := prefix(rapid.SampledFrom([]string{"198.51.100.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0", "192.0.2.1/32"}).Draw(t, "whole"))
		taken := parts(t, whole, 9)
		rest := Rest(whole, append(taken, prefix("203.0.113.0/24"), whole)[:len(taken)])
		units := 0.0
		for i, p := range append(rest, taken...) {
			units += Units(p)
			for _, q := range append(rest, taken...)[i+1:] {
				require.False(t, p.Overlaps(q), "%s and %s", p, q)
			}
		}
		require.Equal(t, Units(whole), units, fmt.Sprint(rest))
		for i := 1; i < len(rest); i++ {
			require.Negative(t, rest[i-1].Compare(rest[i]), "not in order")
			if bits := rest[i].Bits(); bits == rest[i-1].Bits() {
				require.False(t, netip.PrefixFrom(rest[i].Addr(), bits-1).Masked().Contains(rest[i-1].Addr()), "%s and %s are one prefix", rest[i-1], rest[i])
			}
		}
	})
}

func TestNothingIsLeftOfWhatIsCoveredAndTakenMayNest(t *testing.T) {
	t.Parallel()
	require.Empty(t, Rest(prefix("10.0.0.0/24"), []netip.Prefix{prefix("10.0.0.0/8")}))
	require.Equal(t, []netip.Prefix{prefix("10.0.0.128/25")},
		Rest(prefix("10.0.0.0/24"), []netip.Prefix{prefix("10.0.0.64/26"), prefix("10.0.0.0/25"), prefix("10.0.0.0/32"), prefix("10.9.0.0/16")}))
	require.Equal(t, netip.MustParseAddr("10.0.0.255"), LastAddr(prefix("10.0.0.0/24")))
	require.Equal(t, netip.MustParseAddr("2001:db8::1"), LastAddr(prefix("2001:db8::/127")))
}
