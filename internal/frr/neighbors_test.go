package frr

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestTheSwitchHearsItsMachinesByLLDP(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	r.apply(t, r.Parked(0))
	r.byHand(t, "mkdir -p /run/lldpd; lldpd")
	heard, err := r.driver.Neighbors(t.Context(), r.sw)
	require.NoError(t, err)
	require.Empty(t, heard)
	_, err = r.Host(0).Shell(t.Context(), "mkdir -p /run/lldpd; lldpd; lldpcli configure lldp tx-interval 1")
	require.NoError(t, err)
	eventually(t, "the machine is heard", func() bool {
		heard, err = r.driver.Neighbors(t.Context(), r.sw)
		require.NoError(t, err)
		return len(heard) > 0
	})
	link, err := r.Host(0).Run(t.Context(), "ip", "-o", "link", "show", "eth0")
	require.NoError(t, err)
	own := strings.Fields(link[strings.Index(link, "link/ether"):])[1]
	require.Equal(t, []metal.Neighbor{{Port: r.Port(0), System: "m1", Remote: own, MAC: own}}, heard)
}
