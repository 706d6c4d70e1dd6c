package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/bill"
)

// charged is a rig with a device of acme's whose time is known.
func charged(t *testing.T) *rig {
	t.Helper()
	r := setup(t)
	r.ordered("u1")
	r.exec(`update usages set started_at = '2026-10-31 23:00:00+00', ended_at = '2026-11-01 02:00:01+00'; update devices set state = 'failed'`)
	return r
}

func TestAMonthsUsageIsPrintedForPeopleAndForPrograms(t *testing.T) {
	t.Parallel()
	r := charged(t)
	code, out, errs := r.cli("usage", "--month", "2026-11", "--project", "acme")
	require.Equal(t, exitDone, code, errs)
	require.Regexp(t, `(?m)^acme +device +\S+ +c1\.small +2026-11-01T00:00:00Z +2026-11-01T02:00:01Z +2\.00 +1 +0 +false$`, out)

	code, out, errs = r.cli("usage", "--from", "2026-10-01", "--to", "2026-11-01", "-o", "json")
	require.Equal(t, exitDone, code, errs)
	var report bill.Report
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.True(t, report.Final)
	require.EqualValues(t, 3600, report.Records[0].Seconds)
	_, again, _ := r.cli("usage", "--from", "2026-10-01", "--to", "2026-11-01", "-o", "json")
	require.Equal(t, out, again)

	code, out, errs = r.cli("usage", "report", "--month", "2026-11", "--csv")
	require.Equal(t, exitDone, code, errs)
	lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 2)
	require.Equal(t, "7201", lines[1][11])

	code, out, _ = r.cli("usage", "--month", "2026-11", "--project", "other", "-o", "json")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, `"records": []`)
}

func TestUsageIsCheckedAgainstWhatIsThere(t *testing.T) {
	t.Parallel()
	r := charged(t)
	code, _, errs := r.cli("usage", "check")
	require.Equal(t, exitDone, code, errs)
	r.exec(`update devices set state = 'active'; delete from usages`)
	code, out, errs := r.cli("usage", "check", "-o", "json")
	require.Equal(t, exitNot, code)
	require.Contains(t, out, "is active and nobody is charged for it")
	require.Contains(t, errs, "1 faults")
}

func TestAPeriodThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for field, args := range map[string][]string{
		"month:": {"--month", "May"}, "from:": {"--from", "2026-11-02", "--to", "2026-11-01"}, "--csv and": {"--csv", "-o", "json"},
	} {
		code, _, errs := r.cli(append([]string{"usage"}, args...)...)
		require.Equal(t, exitUsage, code, errs)
		require.Contains(t, errs, field)
	}
}
