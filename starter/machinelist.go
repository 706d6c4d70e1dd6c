package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

type machineListCommand struct {
	Site   metal.SiteID `env:"-" help:"Only this site's."`
	Plan   metal.PlanID `env:"-" help:"Only this plan's."`
	State  string       `env:"-" enum:",enrolled,idle,claimed,occupied,quarantined,maintenance,retired" default:"" help:"Only those in this state: enrolled, idle, claimed, occupied, quarantined, maintenance or retired."`
	Health string       `env:"-" enum:",unknown,ok,degraded,failing" default:"" help:"Only those of this health: unknown, ok, degraded or failing."`
	Issues bool         `env:"-" help:"Only those with open issues."`
}

// machineLine is a machine as lists have it.
type machineLine struct {
	Machine     string         `json:"machine"`
	Site        string         `json:"site"`
	Rack        string         `json:"rack"`
	Unit        int32          `json:"unit"`
	Plan        string         `json:"plan"`
	Port        string         `json:"port"`
	State       string         `json:"state"`
	Reason      string         `json:"reason,omitempty"` // of quarantine; of maintenance: who has it
	Until       *time.Time     `json:"until,omitempty"`  // of maintenance
	Health      string         `json:"health"`
	Issues      int32          `json:"issues"` // that are open
	Power       string         `json:"power,omitempty"`
	Watts       *float32       `json:"watts,omitempty"`
	Read        *time.Time     `json:"read_at,omitempty"`
	Device      metal.DeviceID `json:"device,omitempty"`
	Run         string         `json:"run,omitempty"`
	Errand      string         `json:"errand,omitempty"` // what that run is for, where no device lives here
	Dirty       bool           `json:"dirty"`
	Reservation string         `json:"hardware_reservation,omitempty"`
	Serial      string         `json:"serial,omitempty"`
	Filed       bool           `json:"in_site_file"`
	Proven      *time.Time     `json:"proven_at,omitempty"`
	Changed     time.Time      `json:"changed_at"`
}

func lineOf(m query.ListFleetRow) machineLine {
	line := machineLine{
		Machine: m.ID, Site: m.Site, Rack: m.Rack, Unit: m.Unit, Plan: m.Plan, Port: m.Switch + ":" + m.Port, State: m.State,
		Reason: harmless(cmp.Or(m.Reason, m.Note)), Until: m.Until, Health: m.Health, Issues: m.Issues, Power: m.Power, Watts: m.Watts, Read: m.ReadAt,
		Device: metal.DeviceID(m.Device), Run: m.Run, Errand: m.Errand, Dirty: m.Dirty, Serial: harmless(m.Serial), Filed: m.Filed,
		Proven: m.ProvenAt, Changed: m.ChangedAt,
	}
	if m.Reservation != nil {
		line.Reservation = *m.Reservation
	}
	if line.Read != nil && line.Read.Unix() <= 0 { // visited, and never answered
		line.Read = nil
	}
	return line
}

func (c machineListCommand) wants(m machineLine) bool {
	return (c.Plan == "" || string(c.Plan) == m.Plan) && (c.State == "" || c.State == m.State) &&
		(c.Health == "" || c.Health == m.Health) && (!c.Issues || m.Issues > 0)
}

// Run prints a line for each machine that is asked for.
func (c machineListCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	rows, err := store.Queries().ListFleet(ctx, query.ListFleetParams{Site: string(c.Site)})
	if err != nil {
		return fmt.Errorf("list machines: %w", err)
	}
	lines := []machineLine{}
	for _, row := range rows {
		if line := lineOf(row); c.wants(line) {
			lines = append(lines, line)
		}
	}
	if a.Output == "json" {
		return printJSON(a.out, lines)
	}
	t := &table{columns: []string{"machine", "site", "rack", "unit", "plan", "state", "health", "issues", "power", "watts", "since", "with", "reason"}}
	for _, m := range lines {
		t.add(m.Machine, m.Site, m.Rack, m.Unit, m.Plan, m.State, m.Health, m.Issues, m.Power, wattsOf(m.Watts), day(m.Changed), m.with(), shortened(m.Reason))
	}
	return t.print(a.out, a.Output)
}

// with is who has a machine: a device, a run of its own, or a project's
// reservation.
func (m machineLine) with() string {
	if m.Device == "" && m.Reservation != "" {
		return "reserved"
	}
	return cmp.Or(string(m.Device), m.Errand)
}

func wattsOf(w *float32) string {
	if w == nil {
		return ""
	}
	return fmt.Sprint(math.Round(float64(*w)))
}

// day is a moment as precise as a list needs it.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// shortened keeps a line of a list to a line of a screen, as far as one can:
// starter machine show has the whole of it.
func shortened(text string) string {
	const most = 60
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
