package ipam

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/metal"
)

func TestReportsAreInTheFormsThatRegistriesAskFor(t *testing.T) {
	t.Parallel()
	s := lab()
	given := Given(s, "ripe")
	var ripe, arin, lines bytes.Buffer
	require.NoError(t, RIPE(&ripe, given, Registrant{Organisation: "ORG-EX1-RIPE", Admin: "NOC1-RIPE", Tech: "NOC1-RIPE",
		Maintainer: "EXAMPLE-MNT", Country: map[metal.SiteID]string{"lab1": "DE"}}))
	require.NoError(t, ARIN(&arin, s, "ripe"))
	require.NoError(t, GivenCSV(&lines, given))
	golden(t, "ripe.txt", ripe.Bytes())
	golden(t, "arin.txt", arin.Bytes())
	golden(t, "given.csv", lines.Bytes())
	records, err := csv.NewReader(&lines).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, len(given)+1)
}

func TestReportsHoldNoNamesOfPeopleNorOfDevices(t *testing.T) {
	t.Parallel()
	s := lab()
	var all bytes.Buffer
	require.NoError(t, RIPE(&all, Given(s, ""), Registrant{}))
	require.NoError(t, ARIN(&all, s, ""))
	require.NoError(t, GivenCSV(&all, Given(s, "")))
	require.NotContains(t, all.String(), "Erika")
	require.NotContains(t, all.String(), "device/")
	require.Contains(t, all.String(), Unnamed)
}

func TestReportsHoldPublicRolesOfTheRegistryAlone(t *testing.T) {
	t.Parallel()
	s := lab()
	for _, a := range Given(s, "") {
		require.NotEqual(t, prefix("10.0.0.0/8"), a.Aggregate)
	}
	require.Len(t, Given(s, ""), 6, "four pieces of the pool, and two blocks as a whole")
	require.Empty(t, Given(s, "arin"))
}

func TestWhatRIPEWantsAndNobodyGaveIsSaidOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, RIPE(&out, Given(lab(), ""), Registrant{Admin: "NOC1-RIPE"}))
	comments := []string{}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "#") {
			comments = append(comments, strings.TrimSpace(line))
		}
	}
	require.Equal(t, []string{"# mandatory and not given: tech-c", "# mandatory and not given: mnt-by",
		"# mandatory and not given: country of lab1"}, comments)
}

func TestAValueCannotBeginAnAttribute(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, RIPE(&out, Given(lab(), ""), Registrant{Maintainer: "X\nstatus: ALLOCATED PA"}))
	require.NotContains(t, out.String(), "\nstatus: ALLOCATED PA")
}

func TestNetNamesHaveTheFormOfRegistries(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[A-Z][A-Z0-9-]{0,78}[A-Z0-9]$`)
	rapid.Check(t, func(t *rapid.T) {
		a := Assignment{Customer: rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,62}`).Draw(t, "customer"),
			Site: metal.SiteID(rapid.StringMatching(`([a-z0-9][a-z0-9._-]{0,62})?`).Draw(t, "site"))}
		require.Regexp(t, form, a.NetName())
	})
}

func TestSWIPBeginsAtEightAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"198.51.100.0/29": true, "198.51.100.0/30": false, "2001:db8::/47": true, "2001:db8::/48": false} {
		require.Equal(t, want, Assignment{Prefix: prefix(text), Customer: "acme"}.reported(), text)
	}
	require.False(t, Assignment{Prefix: prefix("198.51.100.0/24"), Customer: Infrastructure}.reported())
}
