package main

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"millwright/internal/postgres/query"
)

type switchShowCommand struct {
	namedSwitch `embed:""`
}

// switchAnswer is all that is known of a switch.
type switchAnswer struct {
	Switch    string          `json:"switch"`
	Site      string          `json:"site"`
	Rack      string          `json:"rack"`
	Driver    string          `json:"driver"`
	Address   string          `json:"address"`
	Repair    bool            `json:"repair"`
	Checked   *time.Time      `json:"checked_at,omitempty"`
	Ports     []portLine      `json:"ports"`
	Sessions  []sessionLine   `json:"sessions"`
	Miscabled []miscabledLine `json:"miscabled"`
}

type portLine struct {
	Port       string     `json:"port"`
	Machine    string     `json:"machine"`
	Profile    string     `json:"profile"`
	Device     string     `json:"device,omitempty"`
	State      string     `json:"state"` // intended, pending, refused or drifting
	Generation int64      `json:"generation"`
	Applied    int64      `json:"applied"`
	Members    []string   `json:"members,omitempty"` // of a bundle
	Refusal    string     `json:"refusal,omitempty"` // in the switch's words
	Drifting   *time.Time `json:"drifting_since,omitempty"`
	Reason     string     `json:"reason"` // of the last change of intent
}

type sessionLine struct {
	Device   string     `json:"device"`
	Project  string     `json:"project,omitempty"`
	Port     string     `json:"port,omitempty"`
	Family   int32      `json:"family"`
	State    string     `json:"state"` // in the words of RFC 4271; empty until a check has seen it
	Received int32      `json:"received"`
	Accepted int32      `json:"accepted"`
	Seen     *time.Time `json:"seen_at,omitempty"`
}

type miscabledLine struct {
	Machine  string    `json:"machine"`
	Heard    string    `json:"heard"`    // where it is
	Declared string    `json:"declared"` // where the site file says
	Since    time.Time `json:"since"`
}

// Run reads the database alone: what the switch itself says is as of its last
// check.
func (c switchShowCommand) Run(ctx context.Context, a *app) error {
	q, sw, err := c.read(ctx, a)
	if err != nil {
		return err
	}
	s, err := readSwitch(ctx, q, sw)
	if err != nil {
		return fmt.Errorf("switch %s: %w", c.Name, err)
	}
	if a.Output == "json" {
		return printJSON(a.out, s)
	}
	return s.print(a)
}

func readSwitch(ctx context.Context, q *query.Queries, sw query.Switch) (switchAnswer, error) {
	s := switchAnswer{
		Switch: sw.ID, Site: sw.Site, Rack: sw.Rack, Driver: sw.Driver, Address: sw.Address, Repair: sw.Repair, Checked: sw.CheckedAt,
		Ports: []portLine{}, Sessions: []sessionLine{}, Miscabled: []miscabledLine{},
	}
	ports, err := q.SwitchPorts(ctx, sw.ID)
	if err != nil {
		return s, fmt.Errorf("read its ports: %w", err)
	}
	for _, p := range ports {
		s.Ports = append(s.Ports, portLine{
			Port: p.Name, Machine: p.Machine, Profile: p.Profile, Device: p.Device, State: stands(p),
			Generation: p.Generation, Applied: p.Applied, Members: p.Members,
			Refusal: p.Refusal, Drifting: p.DriftingSince, Reason: p.Reason,
		})
	}
	sessions, err := q.SessionsOfSwitch(ctx, sw.ID)
	if err != nil {
		return s, fmt.Errorf("read its BGP sessions: %w", err)
	}
	for _, b := range sessions {
		s.Sessions = append(s.Sessions, sessionLine{Device: b.Device, Port: b.Port, Family: b.Family, State: b.State, Received: b.Received, Accepted: b.Accepted, Seen: b.SeenAt})
	}
	wrong, err := q.ListMiscablings(ctx, sw.ID)
	if err != nil {
		return s, fmt.Errorf("read who is on a wrong port: %w", err)
	}
	for _, m := range wrong {
		s.Miscabled = append(s.Miscabled, miscabledLine{m.Machine, m.Switch + ":" + m.Port, m.Declared, m.Since})
	}
	return s, nil
}

// stands is a port's state in one word, as the metrics count it.
func stands(p query.SwitchPortsRow) string {
	switch {
	case p.Refusal != "":
		return "refused"
	case p.Applied < p.Generation:
		return "pending"
	case p.DriftingSince != nil:
		return "drifting"
	}
	return "intended"
}

func (s switchAnswer) print(a *app) error {
	about := &table{}
	about.add("switch", s.Switch)
	about.add("site", fmt.Sprintf("%s, rack %s", s.Site, s.Rack))
	about.add("driver", fmt.Sprintf("%s at %s", s.Driver, s.Address))
	about.add("repair", map[bool]string{true: "at each check", false: "only when told"}[s.Repair])
	about.add("checked", s.Checked)
	ports := &table{columns: []string{"port", "machine", "profile", "device", "state", "applied", "wanted", "why"}}
	for _, p := range s.Ports {
		why := p.Reason
		if p.Refusal != "" {
			why = harmless(p.Refusal)
		}
		name := strings.TrimSuffix(p.Port+" ("+strings.Join(p.Members, " ")+")", " ()")
		ports.add(name, p.Machine, p.Profile, p.Device, p.State, p.Applied, p.Generation, why)
	}
	wrong := &table{columns: []string{"miscabled", "is_at", "should_be_at", "since"}}
	for _, m := range s.Miscabled {
		wrong.add(m.Machine, m.Heard, m.Declared, m.Since)
	}
	return a.printTables(about, ports, sessionTable(s.Sessions), wrong)
}

// sessionTable shows what the switch last said.
func sessionTable(sessions []sessionLine) *table {
	t := &table{columns: []string{"session_of", "family", "state", "received", "accepted", "seen"}}
	for _, s := range sessions {
		t.add(s.Device, s.Family, s.State, s.Received, s.Accepted, s.Seen)
	}
	return t
}

// printTables leaves out tables without a row.
func (a *app) printTables(all ...*table) error {
	first := true
	for _, t := range all {
		if len(t.rows) == 0 {
			continue
		}
		if !first {
			fmt.Fprintln(a.out)
		}
		first = false
		if err := t.print(a.out, "table"); err != nil {
			return err
		}
	}
	return nil
}

// harmless is a switch's text for a terminal: somebody else may have written
// parts of it, such as a description, and a terminal obeys control characters.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
