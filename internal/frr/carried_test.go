package frr

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestASwitchSaysWhatEachPortCarriesWhateverAnybodyIntends(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	p, idle := r.rich(), r.Parked(1)
	r.apply(t, p, idle)
	found, err := r.driver.Carried(t.Context(), r.sw)
	require.NoError(t, err)
	require.Len(t, found, 2)
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
	require.Empty(t, byPort[idle.Port].Named())
}
