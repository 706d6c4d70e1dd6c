package postgres_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres"
)

func plan(t *testing.T, lines ...string) ipam.Plan {
	t.Helper()
	p, err := ipam.Read(strings.NewReader(strings.Join(lines, "\n")+"\n"), "space.csv", ipam.NetBox{})
	require.NoError(t, err)
	return p
}

const importHeader = "kind,prefix,site,role,purpose,project,projects,holder,ask,registry,status,since,until,note"

var legacy = []string{importHeader,
	"aggregate,185.1.0.0/22,,,,,,,,ripe,ALLOCATED PA,2019-05-02,,",
	"aggregate,2a0e:b100::/32,,,,,,,,ripe,,2020-01-01,,",
	"block,185.1.0.0/23,lab1,public,pool,,acme other,,,,,2019-06-01,,the old floor",
	"block,185.1.0.64/26,lab1,public,own,acme,,,,,,2019-07-01,,",
	"block,185.1.0.128/28,lab1,public,reservation,acme,,,,,,2021-07-01,,mail",
	"block,2a0e:b100::/40,lab1,public,pool,,,,,,,2020-02-01,,",
	"lease,185.1.0.7/32,lab1,public,,,,imported/www,,,,2020-03-04T05:06:07Z,,",
	"lease,185.1.0.16/30,lab1,public,,other,,project/other,front,,,2020-03-04,,",
	"lease,2a0e:b100:0:5::/64,lab1,public,,,,imported/v6,,,,2020-03-04,,",
	"quarantine,185.1.0.32/29,lab1,public,,,,,,,,2099-01-01,,",
	"quarantine,185.1.0.40/29,lab1,public,,,,,,,,,2099-01-01T00:15:00Z,",
}

func TestAnExportIsImportedIntoAnotherDatabaseAsItIs(t *testing.T) {
	t.Parallel()
	r, other := imported(t), imported(t)
	added, err := r.store.ImportSpace(t.Context(), plan(t, legacy...), false)
	require.NoError(t, err)
	require.Len(t, added.Leases, 5)
	r.whole()
	before := r.everything()
	again, err := r.store.ImportSpace(t.Context(), plan(t, legacy...), false)
	require.NoError(t, err)
	require.True(t, again.Empty(), "a repeat has nothing to add")
	require.Equal(t, before, r.everything())

	export := exported(t, r.store)
	_, err = other.store.ImportSpace(t.Context(), plan(t, strings.Split(strings.TrimSpace(export), "\n")...), false)
	require.NoError(t, err)
	require.Equal(t, export, exported(t, other.store))
	other.whole()
	who, err := other.store.Who(t.Context(), netip.MustParseAddr("185.1.0.42"))
	require.NoError(t, err)
	require.Equal(t, metal.Resting, who.State)
	require.Equal(t, time.Date(2099, 1, 1, 0, 15, 0, 0, time.UTC), who.Until)
	reservations, err := other.store.Reservations(t.Context(), "acme", metal.ReservationCreated, "lab1")
	require.NoError(t, err)
	require.Len(t, reservations, 1, "an imported reservation can be assigned and released")
	_, err = other.store.Release(t.Context(), reservations[0].ID)
	require.NoError(t, err)
}

// exported is a database's space, but for the blocks that its site file made:
// those are dated by the import.
func exported(t *testing.T, store *postgres.Store) string {
	t.Helper()
	shot, err := store.Snapshot(t.Context(), netip.Prefix{})
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, ipam.ExportCSV(&text, shot))
	var kept []string
	for line := range strings.Lines(text.String()) {
		if strings.Contains(line, "185.1.") || strings.Contains(line, "2a0e:b100:") || strings.HasPrefix(line, "kind,") {
			kept = append(kept, line)
		}
	}
	require.Len(t, kept, 12)
	return strings.Join(kept, "")
}

func TestADryRunShowsAllAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := imported(t)
	before := r.everything()
	added, err := r.store.ImportSpace(t.Context(), plan(t, legacy...), true)
	require.NoError(t, err)
	require.Len(t, added.Blocks, 4)
	require.Equal(t, before, r.everything())
}

func TestAnImportOverLiveDataMovesNoLease(t *testing.T) {
	t.Parallel()
	r, device := inUse(t)
	for says, line := range map[string]string{
		"has holder imported/legacy there":               "lease,203.0.113.7/32,,,,,,imported/other,,,,,,",
		"lies in lease 203.0.113.16/28 of project/acme":  "lease,203.0.113.18/32,,,,,,imported/other,,,,,,",
		"would be put around":                            "lease,203.0.113.0/29,,,,,,imported/other,,,,,,",
		"has holder device/" + string(device) + " there": "lease,203.0.113.129/32,,,,,,imported/other,,,,,,",
		"quarantine 203.0.113.40/30":                     "lease,203.0.113.40/32,,,,,,imported/other,,,,,,",
		"and pools do not nest":                          "block,203.0.113.192/26,lab1,public,pool,,,,,,,,,",
		"has role public there":                          "block,203.0.113.0/24,lab1,private,pool,,,,,,,,,",
		`no site is called "lab9"`:                       "block,198.18.0.0/25,lab9,public,pool,,,,,,,,,",
		"there is no device 1234 here":                   "lease,203.0.113.64/32,,,,,,device/1234,,,,,,",
		"not allowed for project acme":                   "lease,192.0.2.9/32,,,,acme,,imported/x,,,,,,",
		"would be put around aggregate 198.18.0.0/24":    "aggregate,198.18.0.0/15,,,,,,,,,,,,",
		"block 203.0.112.0/23 would be put around":       "block,203.0.112.0/23,lab1,public,pool,,,,,,,,,",
		"block 8.8.8.0/24 lies in no aggregate":          "block,8.8.8.0/24,lab1,public,pool,,,,,,,,,",
	} {
		before := r.everything()
		added, err := r.store.ImportSpace(t.Context(), plan(t, importHeader, "lease,203.0.113.65/32,,,,,,imported/fine,,,,,,", line), false)
		var problems ipam.Problems
		require.ErrorAs(t, err, &problems, says)
		require.Contains(t, problems.Error(), says)
		require.Equal(t, 3, problems[len(problems)-1].At.Line)
		require.True(t, added.Empty() || len(added.Leases) > 0)
		require.Equal(t, before, r.everything(), says)
	}
	// What says the same is no conflict, and what is beside it is added.
	_, err := r.store.ImportSpace(t.Context(), plan(t, importHeader, "lease,203.0.113.7/32,,,,,,imported/legacy,,,,,,",
		"lease,203.0.113.65/32,,,,,,imported/fine,,,,,,", "aggregate,203.0.113.0/24,,,,,,,,ripe,,,,"), false)
	require.NoError(t, err)
	aggregates, assumed, err := r.store.Aggregates(t.Context())
	require.NoError(t, err)
	require.False(t, assumed[prefix("203.0.113.0/24")], "what was assumed has a name now")
	require.Contains(t, aggregates, metal.Aggregate{Prefix: prefix("203.0.113.0/24"), Registry: "ripe"})
	r.whole()
}
