package bill_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bill"
	"millwright/internal/metal"
)

func TestAPeriodIsAMonthOrFromThenToThen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 23, 0, 0, 5, time.FixedZone("", 3600))
	for _, c := range []struct{ month, from, to, since, until string }{
		{"", "", "", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
		{"2026-12", "", "", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"", "2026-10-31", "", "2026-10-31T00:00:00Z", "2026-11-22T22:00:00Z"},
		{"", "2026-10-31", "2026-11-01T01:00:01+01:00", "2026-10-31T00:00:00Z", "2026-11-01T00:00:01Z"},
		{"", "", "2026-11-02", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"},
	} {
		since, until, err := bill.Period(c.month, c.from, c.to, now)
		require.NoError(t, err)
		require.Equal(t, []string{c.since, c.until}, []string{since.Format(time.RFC3339), until.Format(time.RFC3339)}, "%v", c)
	}
	for field, c := range map[string][3]string{
		"month: \"November\"":                   {"November", "", ""},
		"month: \"2026-11\"":                    {"2026-11", "2026-11-01", ""},
		"from: \"yesterday\"":                   {"", "yesterday", ""},
		"to: \"2026-11-01T00:00:00.5Z\"":        {"", "", "2026-11-01T00:00:00.5Z"},
		"from: 2026-11-02T00:00:00Z is not bef": {"", "2026-11-02", "2026-11-02"},
	} {
		_, _, err := bill.Period(c[0], c[1], c[2], now)
		require.ErrorContains(t, err, field)
	}
}

func TestARecordCountsAddressesAndPrefixesOf64(t *testing.T) {
	t.Parallel()
	for prefix, count := range map[string]uint64{"203.0.113.0/28": 16, "203.0.113.1/32": 1, "2001:db8::/56": 256, "2001:db8::/64": 1, "2001:db8::1/128": 1} {
		r := metal.UsageRecord{Kind: metal.AddressUsage, Prefix: netip.MustParsePrefix(prefix)}
		require.Equal(t, count, r.Count(), prefix)
	}
	require.EqualValues(t, 1, metal.UsageRecord{Kind: metal.DeviceUsage}.Count())
}

func TestAReportIsTheSameInEachForm(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	report := metal.UsageReport{Since: at, Until: at.AddDate(0, 0, 1), Final: true, Records: []metal.UsageRecord{
		{Kind: metal.DeviceUsage, Number: "7", Project: "p, q", Thing: "d", Plan: "c1.small", Since: at, Until: at.Add(90 * time.Second)},
		{Kind: metal.EgressUsage, Number: "d", Project: "p", Thing: "d", Since: at, Until: at.AddDate(0, 0, 1), Octets: 1 << 63},
	}}
	var object, lines bytes.Buffer
	require.NoError(t, bill.JSON(&object, report))
	require.NoError(t, bill.CSV(&lines, report))
	require.Contains(t, object.String(), `"id": "device/7/2026-11-03T00:00:00Z"`)
	require.Contains(t, object.String(), `"bytes": 9223372036854775808`)
	require.Contains(t, lines.String(), `device/7/2026-11-03T00:00:00Z,device,,"p, q",,d,c1.small,,,2026-11-03T00:00:00Z,2026-11-03T00:01:30Z,90,1,device,0,false,true`)
	require.Equal(t, 3, strings.Count(lines.String(), "\n"))
}
