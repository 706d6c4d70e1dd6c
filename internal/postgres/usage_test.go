package postgres_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/bill"
	"millwright/internal/metal"
)

// used is what was used from the beginning until a moment.
func (r *rig) used(until time.Time) metal.UsageReport {
	r.t.Helper()
	report, err := r.store.Usage(r.t.Context(), metal.UsageAsk{Since: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Until: until})
	require.NoError(r.t, err)
	return report
}

// printed is a report as a billing system gets it.
func printed(t *testing.T, report metal.UsageReport) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, bill.JSON(&out, report))
	require.NoError(t, bill.CSV(&out, report))
	return out.String()
}

// wholeSecond is the database's clock, to the second.
func (r *rig) wholeSecond() time.Time {
	r.t.Helper()
	at, err := r.store.Moment(r.t.Context())
	require.NoError(r.t, err)
	return at.Truncate(time.Second)
}

// past waits until the database's clock has left a second.
func (r *rig) past(second time.Time) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.wholeSecond().After(second) }, time.Minute, 20*time.Millisecond)
}

// begin is a connection with a transaction of its own under way.
func (r *rig) begin() pgx.Tx {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	tx, err := conn.Begin(r.t.Context())
	require.NoError(r.t, err)
	return tx
}

func TestUsageFollowsADeviceThroughItsLife(t *testing.T) {
	t.Parallel()
	r := imported(t)
	device := r.provisioned()
	for _, state := range []string{"reinstalling", "failed", "reinstalling", "active", "powering_off", "inactive", "powering_on", "active"} {
		r.exec("update devices set state = '" + state + "'")
		faults, err := r.store.UsageFaults(t.Context())
		require.NoError(t, err)
		require.Empty(t, faults, state)
	}
	report := r.used(r.wholeSecond().Add(time.Hour))
	require.Len(t, report.Records, 1, "one record, however often it was off")
	require.Equal(t, string(device), report.Records[0].Thing)
	require.True(t, report.Records[0].Open)
	require.False(t, report.Final)
	r.exec("update devices set state = 'deprovisioning'")
	r.exec("update devices set state = 'deleted', deleted_at = now()")
	ended := r.used(r.wholeSecond().Add(time.Hour)).Records
	require.Len(t, ended, 1)
	require.False(t, ended[0].Open)
	require.Equal(t, report.Records[0].ID(), ended[0].ID())
}

func TestADeviceThatNeverWasActiveIsNotPaidFor(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.provisioned()
	r.exec("delete from usages")
	r.exec("update devices set state = 'failed'")
	r.exec("update devices set state = 'reinstalling'")
	r.exec("update devices set state = 'failed'")
	require.Empty(t, r.used(r.wholeSecond().Add(time.Hour)).Records)
}

func TestAPeriodThatIsOverReadsTheSameForEver(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.provisioned()
	began := r.wholeSecond()
	r.past(began)
	end := r.wholeSecond()
	r.past(end)
	first := r.used(end)
	require.True(t, first.Final)
	require.Len(t, first.Records, 1)
	r.exec("update devices set state = 'deprovisioning', hostname = 'another'")
	require.Equal(t, printed(t, first), printed(t, r.used(end)))
	require.Contains(t, printed(t, first), end.UTC().Format(time.RFC3339))
}

// Somebody who began to write before a period ended, and commits after it was
// asked for, is waited for; who comes later writes behind the period, whatever
// the server's clock says.
func TestALateWriterIsWaitedForOrWritesBehindTheClosedPeriod(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.provisioned()
	early, late := r.begin(), r.begin()
	_, err := late.Exec(t.Context(), "select 1") // its now() is before the period's end
	require.NoError(t, err)
	_, err = early.Exec(t.Context(), "update devices set state = 'deprovisioning'")
	require.NoError(t, err)
	wrote := r.wholeSecond()
	r.past(wrote.Add(time.Second))
	end := r.wholeSecond()
	var asking sync.WaitGroup
	var first metal.UsageReport
	asking.Go(func() { first = r.used(end) })
	require.Eventually(t, func() bool { return r.waiters() == 1 }, time.Minute, 10*time.Millisecond, "the report waits for the writer")
	require.NoError(t, early.Commit(t.Context()))
	asking.Wait()
	require.Len(t, first.Records, 1)
	require.False(t, first.Records[0].Until.After(wrote), "it ended when it was written")

	_, err = late.Exec(t.Context(), "update devices set state = 'active'")
	require.NoError(t, err)
	require.NoError(t, late.Commit(t.Context()))
	require.Equal(t, printed(t, first), printed(t, r.used(end)))
	r.exec("update usage_sealed set until = now() + interval '1 day'") // as if the clock had been set back by a day
	r.exec("update devices set state = 'deprovisioning'")
	require.Equal(t, printed(t, first), printed(t, r.used(end)))
}

// waiters counts who waits for a lock on a table of usage.
func (r *rig) waiters() (n int) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	require.NoError(r.t, err)
	defer conn.Close(context.Background())
	require.NoError(r.t, conn.QueryRow(r.t.Context(), "select count(*) from pg_locks where not granted and mode = 'ShareLock' and relation = 'usages'::regclass").Scan(&n))
	return n
}

func TestThePartsOfAPeriodAddUpToIt(t *testing.T) {
	t.Parallel()
	r := imported(t)
	device := r.provisioned()
	r.exec("update usages set started_at = '2026-10-20 12:00:01+00', ended_at = '2026-11-09 03:04:05+00'")
	r.exec("insert into traffic values ('" + string(device) + "', '2026-10-31 23:00+00', 1000), ('" + string(device) + "', '2026-11-01 00:00+00', 18446744073709550000)")
	seconds, octets, ids := int64(0), uint64(0), map[string]bool{}
	cuts := []string{"2026-10-01T00:00:00Z", "2026-10-20T12:00:01Z", "2026-10-31T23:30:00Z", "2026-11-01T00:00:00Z", "2026-11-09T03:04:05Z", "2026-11-10T00:00:00Z"}
	for i := range cuts[1:] {
		since, until, err := bill.Period("", cuts[i], cuts[i+1], time.Now())
		require.NoError(t, err)
		report, err := r.store.Usage(t.Context(), metal.UsageAsk{Since: since, Until: until, Device: device})
		require.NoError(t, err)
		for _, record := range report.Records {
			require.False(t, ids[record.ID()], "%s is there twice", record.ID())
			ids[record.ID()] = true
			require.False(t, record.Open)
			octets += record.Octets
			if record.Kind == metal.DeviceUsage {
				seconds += record.Seconds()
			}
		}
	}
	whole := time.Date(2026, 11, 9, 3, 4, 5, 0, time.UTC).Sub(time.Date(2026, 10, 20, 12, 0, 1, 0, time.UTC))
	require.EqualValues(t, whole/time.Second, seconds)
	require.EqualValues(t, uint64(18446744073709551000), octets)
}

func TestReservationsArePaidForFromThenToThen(t *testing.T) {
	t.Parallel()
	r := imported(t)
	const four, six, pending = "00000000-0000-4000-8000-000000000004", "00000000-0000-4000-8000-000000000006", "00000000-0000-4000-8000-000000000009"
	r.exec(`insert into reservations (id, project, site, len, family, prefix, state, decided_at) values
		('` + four + `', 'acme', 'lab1', 29, 4, '198.51.100.8/29', 'created', now()),
		('` + six + `', 'acme', null, 56, 6, '2001:db8:1::/56', 'created', now())`)
	r.exec(`insert into reservations (id, project, site, len, family, state) values ('` + pending + `', 'acme', 'lab1', 29, 4, 'pending')`)
	r.exec(`insert into hardware_reservations (id, project, machine) values ('00000000-0000-4000-8000-00000000000a', 'acme', 'm1')`)
	all := r.used(r.wholeSecond().Add(time.Hour)).Records
	require.Len(t, all, 3, "what is pending is not paid for")
	require.EqualValues(t, 8, all[0].Count())
	require.EqualValues(t, "lab1", all[0].Site)
	require.EqualValues(t, 256, all[1].Count())
	require.Empty(t, all[1].Site, "every site's")
	require.EqualValues(t, "c1.small", all[2].Plan)
	r.exec(`update hardware_reservations set project = 'other'`)
	r.exec(`update reservations set state = 'released', ended_at = now() where state = 'created'`)
	r.exec(`update reservations set state = 'released', ended_at = now() where state = 'pending'`)
	faults, err := r.store.UsageFaults(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
	open := map[metal.ProjectID]int{}
	for _, record := range r.used(r.wholeSecond().Add(time.Hour)).Records {
		if record.Open {
			open[record.Project]++
		}
	}
	require.Equal(t, map[metal.ProjectID]int{"other": 1}, open)
}

func TestEachKindOfUsageFaultIsSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, kind, what string }{
		{"an active device without usage", "delete from usages", "not charged", "is active and nobody is charged for it"},
		{"usage of a device that is gone", "update devices set state = 'deleted', deleted_at = now(); update usages set ended_at = null", "charged for nothing", "is deleted and still charged for"},
		{"usage without a machine", "update machines set state = 'claimed' where state = 'occupied'; update machines set state = 'idle', device = null", "charged for nothing", "has no machine and is charged for"},
		{"two at once", "insert into usages (device, plan, started_at, ended_at) select device, plan, started_at, started_at + interval '1 hour' from usages", "charged twice", "at once"},
		{"a reservation without a charge", "insert into reservations (id, project, len, family, prefix, state) values ('00000000-0000-4000-8000-000000000004', 'acme', 29, 4, '198.51.100.8/29', 'created'); delete from charges", "not charged", "is held and nobody is charged for it"},
		{"a charge without a reservation", "insert into charges (kind, thing, project, prefix, started_at) values ('address', 'x', 'acme', '198.51.100.8/29', now())", "charged for nothing", "reservation x of 198.51.100.8/29 is held no more"},
		{"hardware without a charge", "insert into hardware_reservations (id, project, machine) values ('00000000-0000-4000-8000-00000000000a', 'acme', 'm1'); delete from charges", "not charged", "hardware reservation"},
		{"a charge without hardware", "insert into charges (kind, thing, project, plan, started_at) values ('hardware', 'x', 'acme', 'c1.small', now())", "charged for nothing", "hardware reservation x has ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := imported(t)
			r.provisioned()
			faults, err := r.store.UsageFaults(t.Context())
			require.NoError(t, err)
			require.Empty(t, faults)
			r.exec(c.sql)
			faults, err = r.store.UsageFaults(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, faults)
			require.Equal(t, c.kind, faults[0].Kind)
			require.Contains(t, faults[0].What, c.what)
			require.Contains(t, metal.UsageFaultKinds, c.kind)
		})
	}
}
