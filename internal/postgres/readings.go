package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// DueReadings lists the BMCs of a site that nobody visited of late, longest ago
// first.
func (s *Store) DueReadings(ctx context.Context, site metal.SiteID, olderThan time.Duration) ([]metal.DueReading, error) {
	rows, err := s.Queries().DueReadings(ctx, query.DueReadingsParams{Site: string(site), OlderThan: olderThan})
	if err != nil {
		return nil, fmt.Errorf("site %s: list BMCs that are due: %w", site, err)
	}
	due := make([]metal.DueReading, len(rows))
	for i, row := range rows {
		var bmc BMCRecord
		if err := json.Unmarshal(row.Bmc, &bmc); err != nil {
			return nil, fmt.Errorf("machine %s: its BMC record: %w", row.ID, err)
		}
		f, err := fitnessOf(row.Hardware, row.Fitness)
		if err != nil {
			return nil, fmt.Errorf("machine %s: its plan: %w", row.ID, err)
		}
		due[i] = metal.DueReading{BMC: bmc.metal(row.ID), LogMark: row.LogMark, Failed: int(row.Failed), Baseline: f.Baseline}
	}
	return due, nil
}

// LogMark is where a machine's event log was read to; empty where it never was.
func (s *Store) LogMark(ctx context.Context, machine metal.MachineID) (string, error) {
	row, err := s.Queries().GetReading(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return row.LogMark, err
}

// KeepReading keeps what a visit brought, and each log entry once. Entries of
// warning and above are events of the machine. Safe to repeat.
func (s *Store) KeepReading(ctx context.Context, r metal.Reading) error {
	entries := r.Log
	r.Log = nil
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("machine %s: its reading: %w", r.Machine, err)
	}
	return s.in(ctx, func(q *query.Queries) error {
		for _, e := range entries {
			if err := keepEntry(ctx, q, r.Machine, e); err != nil {
				return err
			}
		}
		return q.PutReading(ctx, query.PutReadingParams{
			Machine: string(r.Machine), At: r.At, Power: string(r.Power), Watts: watts(r.Watts), Body: body, LogMark: r.LogMark,
		})
	})
}

func watts(w *float64) *float32 {
	if w == nil {
		return nil
	}
	f := float32(*w)
	return &f
}

func keepEntry(ctx context.Context, q *query.Queries, machine metal.MachineID, e metal.LogEntry) error {
	var at *time.Time
	if !e.At.IsZero() {
		at = &e.At
	}
	severity := e.Severity
	if severity == "" {
		severity = metal.Note
	}
	fresh, err := q.KeepLogEntry(ctx, query.KeepLogEntryParams{
		Machine: string(machine), Entry: clean(e.ID), At: at, Severity: string(severity), Sensor: clean(e.Sensor), Message: clean(e.Message),
	})
	if err != nil {
		return fmt.Errorf("machine %s: keep entry %s of its event log: %w", machine, e.ID, err)
	}
	if fresh == 0 || severity == metal.Note {
		return nil
	}
	return event(ctx, q, metal.Claim{Machine: machine}, "log", "event log: %s", clean(e.Message))
}

// NoReading counts a visit that brought nothing, and answers how many did in a
// row.
func (s *Store) NoReading(ctx context.Context, machine metal.MachineID, why string) (int, error) {
	n, err := s.Queries().PutNoReading(ctx, query.PutNoReadingParams{Machine: string(machine), Error: clean(why)})
	return int(n), err
}

// Reading is what a patrol last read of a machine; zero where none did.
func (s *Store) Reading(ctx context.Context, machine metal.MachineID) (r metal.Reading, tried time.Time, problem string, err error) {
	row, err := s.Queries().GetReading(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return r, tried, "", nil
	}
	if err == nil {
		err = json.Unmarshal(row.Body, &r)
	}
	return r, row.TriedAt, row.Error, err
}
