package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// fuller is a good file with aggregates, and blocks of other roles.
var fuller = []string{"blocks:\n", `aggregates:
  - {prefix: 198.51.0.0/16, registry: ripe, given: 2019-05-02}
blocks:
  - {prefix: 192.0.2.0/24, role: anycast, projects: [acme, beta]}
  - {prefix: 172.16.0.0/24, role: management}
`}

func TestAFileNamesAggregatesAndWhoMayTakeFromABlock(t *testing.T) {
	t.Parallel()
	r := imported(t)
	changes, err := r.store.ImportSite(t.Context(), r.site(fuller...))
	require.NoError(t, err)
	require.Equal(t, []string{"aggregate 198.51.0.0/16", "block 192.0.2.0/24", "block 172.16.0.0/24"}, said(changes, postgres.Added))
	before := r.everything()
	changes, err = r.store.ImportSite(t.Context(), r.site(fuller...))
	require.NoError(t, err)
	require.Len(t, said(changes, postgres.Unchanged), len(changes))
	require.Equal(t, before, r.everything())
	blocks, err := r.store.Blocks(t.Context())
	require.NoError(t, err)
	for _, b := range blocks {
		switch b.Prefix.String() {
		case "192.0.2.0/24":
			require.Empty(t, b.Site, "anycast is of no site")
			require.Equal(t, []metal.ProjectID{"acme", "beta"}, b.Projects)
		case "198.51.100.0/24":
			require.Equal(t, "198.51.0.0/16", b.Parent.String(), "what was assumed is part of what the file names")
		}
	}
	_, err = r.store.ImportSite(t.Context(), r.site(append([]string{"metro: lab", "metro: lab"}, fuller[0], `aggregates:
  - {prefix: 198.51.0.0/16, registry: ripe, given: 2019-05-02}
blocks:
  - {prefix: 192.0.2.0/24, role: anycast, projects: [gamma]}
`)...))
	require.NoError(t, err)
	blocks, err = r.store.Blocks(t.Context())
	require.NoError(t, err)
	for _, b := range blocks {
		if b.Role == metal.Anycast {
			require.Equal(t, []metal.ProjectID{"gamma"}, b.Projects)
		}
	}
	r.whole()
}

func TestWhatOperatorsAddedBesideTheFileStays(t *testing.T) {
	t.Parallel()
	r := space(t)
	require.NoError(t, r.store.AllowProjects(t.Context(), prefix("198.51.100.0/24"), "acme"))
	r.take("imported/www", "203.0.113.7/32")
	before := r.everything()
	changes, err := r.store.ImportSite(t.Context(), r.site())
	require.NoError(t, err)
	require.Empty(t, said(changes, postgres.Vanished))
	require.Equal(t, before, r.everything(), "lists too: the file does not speak of them")
	_, err = r.store.ImportSite(t.Context(), r.site("10.64.0.0/16, role: private}", "10.64.0.0/16, role: private}\n  - {prefix: 203.0.112.0/22, role: public}"))
	require.ErrorContains(t, err, "block 203.0.113.0/24: leases stand on it (1), and a block of the file overlaps it; name it in the file as it is")
	_, err = r.store.ImportSite(t.Context(), r.site("10.64.0.0/16, role: private}", "10.64.0.0/16, role: private}\n  - {prefix: 192.0.2.0/25, role: public}"))
	require.ErrorContains(t, err, "block 192.0.2.0/25 overlaps block 192.0.2.0/24 of no site (anycast)")
	require.Equal(t, before, r.everything())
	changes, err = r.store.ImportSite(t.Context(), r.site("10.64.0.0/16, role: private}", "10.64.0.0/16, role: private}\n  - {prefix: 203.0.113.0/24, role: public}"))
	require.NoError(t, err)
	require.Equal(t, []string{"block 203.0.113.0/24: in the file false → true"}, said(changes, postgres.Changed))
	_, err = r.store.ImportSite(t.Context(), r.site())
	require.ErrorContains(t, err, "block 203.0.113.0/24: leases stand on it (1) and the file no longer has it")
}

func TestAFilesAggregatesAreDisjointFromThoseThatAreThere(t *testing.T) {
	t.Parallel()
	r := imported(t)
	require.NoError(t, r.store.AddAggregate(t.Context(), metal.Aggregate{Prefix: prefix("185.1.4.0/22"), Registry: "ripe"}))
	before := r.everything()
	for says, line := range map[string]string{
		"aggregate 185.1.4.0/23 lies in aggregate 185.1.4.0/22":     "  - {prefix: 185.1.4.0/23, registry: ripe}\nblocks:\n",
		"aggregate 185.1.0.0/16 lies around aggregate 185.1.4.0/22": "  - {prefix: 185.1.0.0/16, registry: ripe}\nblocks:\n",
		"block 185.1.0.0/21 is larger than aggregate 185.1.4.0/22":  "  - {prefix: 9.0.0.0/8, registry: arin}\nblocks:\n  - {prefix: 185.1.0.0/21, role: public}\n",
	} {
		_, err := r.store.ImportSite(t.Context(), r.site("blocks:\n", "aggregates:\n"+line))
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, metal.ErrWrongState)
		require.Equal(t, before, r.everything())
	}
}
