package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Usage says what was used in a period. A period that is over is sealed first:
// whatever is written from then on lies behind it, so its report is final.
func (s *Store) Usage(ctx context.Context, ask metal.UsageAsk) (metal.UsageReport, error) {
	report := metal.UsageReport{Since: ask.Since, Until: ask.Until}
	at, err := s.Queries().UsageSealed(ctx)
	if err != nil {
		return report, fmt.Errorf("read until when usage is sealed: %w", err)
	}
	asked := at.Asked.Truncate(time.Second)
	report.Final = !ask.Until.After(asked)
	until := ask.Until
	switch {
	case !report.Final:
		until = asked
	case ask.Until.After(at.Until):
		if err := s.sealUsage(ctx, ask.Until); err != nil {
			return report, err
		}
	}
	if ask.Since.After(until) {
		return report, nil
	}
	rows, err := s.Queries().UsageRecords(ctx, query.UsageRecordsParams{
		Since: ask.Since, Until: until, Going: !report.Final,
		Organization: string(ask.Organization), Project: string(ask.Project), Device: string(ask.Device),
	})
	if err != nil {
		return report, fmt.Errorf("read usage from %s to %s: %w", ask.Since, ask.Until, err)
	}
	for _, row := range rows {
		record, err := recordOf(row)
		if err != nil {
			return report, err
		}
		report.Records = append(report.Records, record)
	}
	return report, nil
}

// lockTimedOut is Postgres's lock_not_available.
const lockTimedOut = "55P03"

// sealUsage waits for whoever is writing usage, and closes everything before a
// moment that has passed: later writers find the seal, and write behind it.
func (s *Store) sealUsage(ctx context.Context, until time.Time) error {
	err := s.in(ctx, func(q *query.Queries) error {
		if err := q.LimitLockWait(ctx); err != nil {
			return err
		}
		if err := q.LockUsage(ctx); err != nil {
			return err
		}
		return q.SealUsage(ctx, until)
	})
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == lockTimedOut {
		return fmt.Errorf("seal usage until %s: it is still being written; ask again: %w", until.UTC().Format(time.RFC3339), err)
	}
	if err != nil {
		return fmt.Errorf("seal usage until %s: %w", until.UTC().Format(time.RFC3339), err)
	}
	return nil
}

func recordOf(row query.UsageRecordsRow) (metal.UsageRecord, error) {
	r := metal.UsageRecord{
		Kind: metal.UsageKind(row.Kind), Number: row.Number, Organization: metal.OrganizationID(row.Organization), Project: metal.ProjectID(row.Project),
		Site: metal.SiteID(row.Site), Thing: row.Thing, Hostname: row.Hostname, Plan: metal.PlanID(row.Plan), Reservation: row.Hardware,
		Since: row.Since, Until: row.Until, Open: row.Open,
	}
	var err error
	if r.Octets, err = strconv.ParseUint(row.Octets, 10, 64); err != nil {
		return r, fmt.Errorf("traffic of device %s: %w", row.Thing, err)
	}
	if row.Prefix != "" {
		r.Prefix, err = netip.ParsePrefix(row.Prefix)
	}
	return r, err
}

// UsageFaults lists where what is paid for is not what is there. There should
// be none at any moment.
func (s *Store) UsageFaults(ctx context.Context) ([]metal.UsageFault, error) {
	rows, err := s.Queries().UsageFaults(ctx)
	if err != nil {
		return nil, fmt.Errorf("compare usage with what is there: %w", err)
	}
	faults := make([]metal.UsageFault, len(rows))
	for i, row := range rows {
		faults[i] = metal.UsageFault(row)
	}
	return faults, nil
}
