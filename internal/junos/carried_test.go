package junos

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestASwitchSaysWhatEachPortCarriesWhateverAnybodyIntends(t *testing.T) {
	t.Parallel()
	r := setup(t)
	p := peering(routed(tenant("xe-0/0/7")))
	idle := parked("xe-0/0/8")
	idle.Install = link("10.0.0.16/31", metal.Install)
	require.NoError(t, r.commit(t, p, idle))
	found, err := r.driver.Carried(t.Context(), r.sw)
	require.NoError(t, err)
	require.Len(t, found, 2, "the uplink is nobody's port")
	byPort := map[metal.Port]metal.Carried{}
	for _, c := range found {
		byPort[c.Port] = c
	}
	want := append([]netip.Prefix{p.Install.Prefix}, p.Routed...)
	for _, l := range p.Links {
		want = append(want, l.Prefix)
	}
	require.ElementsMatch(t, want, byPort[p.Port].Prefixes)
	require.ElementsMatch(t, p.BGP.Announce, byPort[p.Port].Announced)
	require.Contains(t, byPort[p.Port].Words, string(p.Device))
	require.Equal(t, []netip.Prefix{idle.Install.Prefix}, byPort[idle.Port].Prefixes)
	require.Empty(t, byPort[idle.Port].Announced)
	require.Empty(t, byPort[idle.Port].Named())
}
