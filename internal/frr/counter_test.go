package frr

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/netrack"
)

// octets is what came in at the i-th machine's port so far.
func (r *rig) octets(t *testing.T, i int) uint64 {
	t.Helper()
	counters, err := r.driver.Counters(t.Context(), r.sw)
	require.NoError(t, err)
	port := r.Tenant(i).Port.Name
	for _, c := range counters {
		if c.Port == port {
			return c.Octets
		}
	}
	require.Failf(t, "no counter", "port %s is not among %v", port, counters)
	return 0
}

func TestCountersAreOfWhatMachinesReallySend(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	for i := range 2 {
		p := r.Tenant(i)
		r.apply(t, p)
		r.wear(t, i, p)
		r.online(t, i)
	}
	const pings, size = 40, 1000
	first, other := r.octets(t, 0), r.octets(t, 1)
	_, err := r.Host(0).Run(t.Context(), "ping", "-q", "-c", "40", "-i", "0.002", "-s", "1000", netrack.OutsideAddress.String())
	require.NoError(t, err)
	sent := r.octets(t, 0) - first
	require.Greater(t, sent, uint64(pings*size))
	require.Less(t, sent, uint64(pings*(size+100)+20_000), "what the machine got is not counted")
	require.Less(t, r.octets(t, 1)-other, uint64(20_000), "nor what another sent")
}
