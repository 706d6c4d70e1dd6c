package frr

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/netrack"
)

func TestAnElasticAddressMovesToAnotherMachine(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	elastic := netip.MustParsePrefix("203.0.113.64/32")
	r.apply(t, r.Tenant(0), r.Tenant(1))
	for i := range 2 {
		r.wear(t, i, r.Tenant(i))
		r.online(t, i)
	}
	for move := range 4 {
		old, now := (move+1)%2, move%2
		_, err := r.Host(old).Shell(t.Context(), "ip addr flush dev lo to "+elastic.String())
		require.NoError(t, err)
		_, err = r.Host(now).Shell(t.Context(), "ip addr replace "+elastic.String()+" dev lo")
		require.NoError(t, err)
		from, to := r.Tenant(old), r.Tenant(now)
		to.Routed = []netip.Prefix{elastic}
		began := time.Now()
		_, err = r.driver.Apply(t.Context(), r.sw, asked(from, to))
		require.NoError(t, err)
		eventually(t, "it is reached at its new machine", func() bool { return r.Outside.Reaches(t.Context(), elastic.Addr()) })
		t.Logf("move %d: %v", move+1, time.Since(began).Round(time.Millisecond))
		require.True(t, r.sends(t, now, elastic.Addr(), netrack.OutsideAddress))
		require.False(t, r.sends(t, old, elastic.Addr(), netrack.OutsideAddress), "the old one has lost it")
	}
}
