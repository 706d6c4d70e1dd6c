package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

type machineHealthCommand struct {
	namedMachine `embed:""`
	Log          int32 `env:"-" default:"10" help:"How many entries of the event log; starter machine sel has all of them."`
}

// healthAnswer is what the last visit to a BMC brought.
type healthAnswer struct {
	Machine  string         `json:"machine"`
	Health   string         `json:"health"`
	Tried    *time.Time     `json:"tried_at,omitempty"` // the last visit, answered or not
	Problem  string         `json:"problem,omitempty"`  // why it brought nothing
	Reading  *metal.Reading `json:"reading,omitempty"`
	Firmware []firmwareLine `json:"firmware"`
	Log      []logLine      `json:"event_log"`
	Open     []issueLine    `json:"open_issues"`
}

// firmwareLine is one firmware, held against what its plan wants.
type firmwareLine struct {
	Component string `json:"component"`
	Version   string `json:"version,omitempty"`
	Baseline  string `json:"baseline,omitempty"` // empty: any will do
	Behind    bool   `json:"behind"`             // it is another than the baseline
}

// Run prints what patrols kept; it asks no BMC.
func (c machineHealthCommand) Run(ctx context.Context, a *app) error {
	if c.Log < 0 {
		return usage(fmt.Errorf("--log %d: want 0 or more", c.Log))
	}
	store, m, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	h, err := readHealth(ctx, store, m, c.Log)
	if err != nil {
		return fmt.Errorf("machine %s: %w", m.ID, err)
	}
	if a.Output == "json" {
		return printJSON(a.out, h)
	}
	return h.print(a)
}

func readHealth(ctx context.Context, store *postgres.Store, m query.GetMachineRow, entries int32) (healthAnswer, error) {
	h := healthAnswer{Machine: m.ID, Health: m.Health, Firmware: []firmwareLine{}}
	reading, tried, problem, err := store.Reading(ctx, metal.MachineID(m.ID))
	if err != nil {
		return h, fmt.Errorf("read its last reading: %w", err)
	}
	h.Tried, h.Problem = ever(tried), harmless(problem)
	if reading.At.Unix() > 0 {
		h.Reading = &reading
	}
	expected, err := store.FitnessOf(ctx, metal.PlanID(m.Plan))
	if err != nil {
		return h, err
	}
	if h.Reading != nil {
		h.Firmware = held(reading.Firmware, expected.Baseline)
	}
	if h.Log, err = readLog(ctx, store, m.ID, entries); err != nil {
		return h, err
	}
	h.Open, err = readIssues(ctx, store, query.ListIssuesParams{Machine: m.ID, Most: mostIssues})
	return h, err
}

// held lists what is there, and what the baseline names and nothing of was
// found.
func held(found []metal.FirmwareVersion, baseline map[string]string) []firmwareLine {
	lines := []firmwareLine{}
	seen := map[string]bool{}
	for _, f := range found {
		wanted := baseline[f.Component]
		seen[f.Component] = true
		lines = append(lines, firmwareLine{harmless(f.Component), harmless(f.Version), wanted, wanted != "" && wanted != f.Version})
	}
	for component, wanted := range baseline {
		if !seen[component] {
			lines = append(lines, firmwareLine{Component: component, Baseline: wanted})
		}
	}
	slices.SortFunc(lines, func(a, b firmwareLine) int { return cmp.Compare(a.Component, b.Component) })
	return lines
}

func (h healthAnswer) print(a *app) error {
	about := &table{}
	about.add("machine", h.Machine)
	about.add("health", h.Health)
	about.add("last visit", h.visit())
	if h.Reading != nil {
		about.add("power", machineLine{Power: string(h.Reading.Power), Watts: narrow(h.Reading.Watts), Read: &h.Reading.At}.power())
		if len(h.Reading.Missing) > 0 {
			about.add("not read", harmless(strings.Join(h.Reading.Missing, "; ")))
		}
	}
	tables := []*table{about}
	if h.Reading != nil {
		tables = append(tables, sensorTable(h.Reading.Sensors), partTable(h.Reading.Parts))
	}
	tables = append(tables, firmwareTable(h.Firmware), logTable(h.Log))
	for i, t := range tables {
		if len(t.rows) == 0 {
			continue
		}
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if err := t.print(a.out, "table"); err != nil {
			return err
		}
	}
	printIndented(a, "issues", issueSentences(h.Open))
	return nil
}

func (h healthAnswer) visit() string {
	switch {
	case h.Tried == nil:
		return "no patrol has been there yet"
	case h.Problem != "":
		return moment(*h.Tried) + ", no answer: " + h.Problem
	}
	return moment(*h.Tried)
}

func narrow(w *float64) *float32 {
	if w == nil {
		return nil
	}
	f := float32(*w)
	return &f
}

func sensorTable(sensors []metal.Sensor) *table {
	t := &table{columns: []string{"sensor", "value", "unit", "state", "low_critical", "low_warning", "high_warning", "high_critical"}}
	for _, s := range sensors {
		t.add(harmless(s.Name), number(s.Value), s.Unit, harmless(s.State), number(s.LowCritical), number(s.LowWarning), number(s.HighWarning), number(s.HighCritical))
	}
	return t
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func partTable(parts []metal.Part) *table {
	t := &table{columns: []string{"part", "name", "health", "detail"}}
	for _, p := range parts {
		t.add(p.Kind, harmless(p.Name), harmless(p.Health), harmless(p.Detail))
	}
	return t
}

func firmwareTable(lines []firmwareLine) *table {
	t := &table{columns: []string{"firmware", "version", "baseline", "stands"}}
	for _, f := range lines {
		stands := "as it should"
		switch {
		case f.Baseline == "":
			stands = ""
		case f.Version == "":
			stands = "not found"
		case f.Behind:
			stands = "otherwise than the baseline"
		}
		t.add(f.Component, f.Version, f.Baseline, stands)
	}
	return t
}
