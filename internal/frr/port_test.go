package frr

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/netrack"
)

func TestATenantsPortCarriesItsLinksToTheOutside(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.Tenant(0)
	done := r.apply(t, p)
	require.Equal(t, []metal.Port{p.Port}, done.Changed)
	require.Contains(t, done.Diff, "+ address: 198.51.100.0/31")
	r.wear(t, 0, p)
	eventually(t, "IPv4", func() bool { return r.Host(0).Reaches(t.Context(), netrack.OutsideAddress) })
	eventually(t, "IPv6", func() bool { return r.Host(0).Reaches(t.Context(), netrack.OutsideAddress6) })
	require.True(t, r.Outside.Reaches(t.Context(), p.Links[0].Machine()))
	require.True(t, r.Outside.Reaches(t.Context(), p.Links[2].Machine()))
	require.True(t, r.Host(0).Reaches(t.Context(), netrack.BootAddress, p.Install.Machine()), "the install link is still there")
	require.Empty(t, r.apply(t, p).Changed, "applying twice is applying once")
}
