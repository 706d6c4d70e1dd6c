package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

type machineSelCommand struct {
	namedMachine `embed:""`
	Limit        int32 `env:"-" default:"100" help:"How many, the newest first."`
}

// logLine is one entry of a BMC's event log.
type logLine struct {
	At       *time.Time `json:"at,omitempty"` // by the BMC's clock
	Severity string     `json:"severity"`
	Sensor   string     `json:"sensor,omitempty"`
	Message  string     `json:"message"`
	Entry    string     `json:"entry"` // the BMC's own number of it
	Read     time.Time  `json:"read_at"`
}

func readLog(ctx context.Context, store *postgres.Store, machine string, most int32) ([]logLine, error) {
	rows, err := store.Queries().ListLogEntries(ctx, query.ListLogEntriesParams{Machine: machine, Most: most})
	if err != nil {
		return nil, fmt.Errorf("read what was kept of its event log: %w", err)
	}
	lines := []logLine{}
	for _, r := range rows {
		lines = append(lines, logLine{r.At, r.Severity, harmless(r.Sensor), harmless(r.Message), harmless(r.Entry), r.ReadAt})
	}
	return lines, nil
}

func logTable(lines []logLine) *table {
	t := &table{columns: []string{"at", "severity", "sensor", "message", "read_at"}}
	for _, l := range lines {
		t.add(l.At, l.Severity, l.Sensor, l.Message, l.Read)
	}
	return t
}

// Run prints what was kept; it asks no BMC.
func (c machineSelCommand) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 {
		return usage(fmt.Errorf("--limit %d: want 1 or more", c.Limit))
	}
	store, m, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	lines, err := readLog(ctx, store, m.ID, c.Limit)
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.ID, err)
	}
	if a.Output == "json" {
		return printJSON(a.out, lines)
	}
	return logTable(lines).print(a.out, a.Output)
}
