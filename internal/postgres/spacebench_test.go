package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/internal/stack/pgtest"
)

// million leases addresses from a /8 until a million are held.
func million(b *testing.B) *postgres.Store {
	b.Helper()
	store, err := postgres.Open(b.Context(), pgtest.Database(b, postgres.Migrate))
	require.NoError(b, err)
	b.Cleanup(store.Close)
	block := prefix("10.0.0.0/8")
	require.NoError(b, store.AddBlock(b.Context(), metal.Block{Prefix: block, Role: metal.Anycast, Purpose: metal.Pool}))
	const all, atOnce = 1_000_000, 5000
	for done := 0; done < all; done += atOnce {
		p := query.TakePrefixesParams{Block: block, Len: 32}
		for i := range atOnce {
			p.Holders, p.Asks = append(p.Holders, fmt.Sprintf("project/p%d", i%1000)), append(p.Asks, fmt.Sprint(done+i))
		}
		_, err := store.Queries().TakePrefixes(b.Context(), p)
		require.NoError(b, err)
	}
	return store
}

// BenchmarkAMillionLeases measures what people and Prometheus ask of a block
// that is that full: who has an address, and how much is left.
func BenchmarkAMillionLeases(b *testing.B) {
	store := million(b)
	b.Run("who", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			n := rand.IntN(1_000_000)
			addr := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
			start := time.Now()
			who, err := store.Who(b.Context(), addr)
			took = append(took, time.Since(start))
			require.NoError(b, err)
			require.Equal(b, metal.Held, who.State)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	})
	for _, by := range []ipam.By{ipam.ByBlock, ipam.ByProject} {
		b.Run("use by "+string(by), func(b *testing.B) {
			for b.Loop() {
				_, err := store.Use(b.Context(), by)
				require.NoError(b, err)
			}
		})
	}
	b.Run("map of a 22", func(b *testing.B) {
		for b.Loop() {
			_, err := store.Snapshot(b.Context(), prefix("10.5.0.0/22"))
			require.NoError(b, err)
		}
	})
	b.Run("snapshot of all", func(b *testing.B) {
		for b.Loop() {
			_, err := store.Snapshot(b.Context(), netip.Prefix{})
			require.NoError(b, err)
		}
	})
	b.Run("count for metrics", func(b *testing.B) {
		for b.Loop() {
			_, err := store.Queries().AddressUse(b.Context())
			require.NoError(b, err)
		}
	})
}
