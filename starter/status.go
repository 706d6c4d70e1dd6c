package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/workflows"
)

type statusCommand struct {
	Device metal.DeviceID `arg:"" help:"The device's ID."`
	Events int32          `env:"-" default:"12" help:"How many of its last events."`
}

// statusAnswer is all that is known of a device.
type statusAnswer struct {
	Device deviceAnswer      `json:"device"`
	Port   string            `json:"port,omitempty"`
	Agent  *agentAnswer      `json:"agent,omitempty"`
	Orders []orderLine       `json:"orders"`
	Events []eventLine       `json:"events"`
	Run    *workflows.Status `json:"run,omitempty"`
	NoRun  string            `json:"no_run,omitempty"` // why there is no word of a run
}

type orderLine struct {
	Order   string     `json:"order"`
	Action  string     `json:"action"`
	State   string     `json:"state"`
	Outcome string     `json:"outcome,omitempty"`
	Wanted  time.Time  `json:"wanted_at"`
	Ended   *time.Time `json:"ended_at,omitempty"`
}

type eventLine struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Body string    `json:"body"`
}

// Run reads the database first; what Temporal knows beside it is asked last,
// and not waited for.
func (c statusCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	s, err := c.read(ctx, store)
	if err != nil {
		return err
	}
	c.ask(ctx, a, &s)
	if a.Output == "json" {
		return printJSON(a.out, s)
	}
	return s.print(a)
}

func (c statusCommand) read(ctx context.Context, store *postgres.Store) (s statusAnswer, err error) {
	if s.Device, err = readDevice(ctx, store, c.Device); err != nil {
		return s, err
	}
	s.Orders, s.Events = []orderLine{}, []eventLine{}
	q := store.Queries()
	if s.Device.Machine != "" {
		m, err := q.GetMachine(ctx, s.Device.Machine)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return s, fmt.Errorf("read machine %s: %w", s.Device.Machine, err)
		}
		s.Port = fmt.Sprintf("%s:%s", m.Switch, m.Port)
		if err := s.readAgent(ctx, store, metal.MachineID(m.ID)); err != nil {
			return s, err
		}
	}
	orders, err := q.ListOrders(ctx, query.ListOrdersParams{Device: string(c.Device), Most: 10})
	if err != nil {
		return s, fmt.Errorf("read the orders of device %s: %w", c.Device, err)
	}
	for _, o := range orders {
		s.Orders = append(s.Orders, orderLine{o.ID, o.Action, o.State, o.Outcome, o.WantedAt, o.EndedAt})
	}
	events, err := q.ListEvents(ctx, query.ListEventsParams{Device: string(c.Device), Most: c.Events})
	if err != nil {
		return s, fmt.Errorf("read the events of device %s: %w", c.Device, err)
	}
	for i := range events { // the last one last, as a log is read
		e := events[len(events)-1-i]
		s.Events = append(s.Events, eventLine{e.At, e.Kind, e.Body})
	}
	return s, nil
}

// agentAnswer is what the machine boots, and how far its agent is.
type agentAnswer struct {
	Boot  int64     `json:"boot"`
	Job   string    `json:"job"` // none where the machine boots its disk
	Step  string    `json:"step,omitempty"`
	Done  int64     `json:"done,omitempty"`
	Total int64     `json:"total,omitempty"`
	Text  string    `json:"text,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

func (s *statusAnswer) readAgent(ctx context.Context, store *postgres.Store, machine metal.MachineID) error {
	intent, err := store.Queries().GetBootIntent(ctx, string(machine))
	if err != nil {
		return fmt.Errorf("read what machine %s boots: %w", machine, err)
	}
	step, err := store.Step(ctx, machine)
	if err != nil {
		return fmt.Errorf("read how far the agent of machine %s is: %w", machine, err)
	}
	s.Agent = &agentAnswer{Boot: intent.Number, Job: intent.Job, Step: step.Step, Done: step.Done, Total: step.Total, Text: step.Text, Since: step.Since}
	return nil
}

// String is the agent in a line; a disk needs none.
func (a *agentAnswer) String() string {
	switch {
	case a == nil || a.Job == "none":
		return "the machine boots its disk"
	case a.Step == "":
		return fmt.Sprintf("boot %d is to %s", a.Boot, a.Job)
	case a.Total > 0:
		return fmt.Sprintf("boot %d is to %s: %s, %d%% since %s %s", a.Boot, a.Job, a.Step, 100*a.Done/a.Total, moment(a.Since), a.Text)
	}
	return fmt.Sprintf("boot %d is to %s: %s since %s %s", a.Boot, a.Job, a.Step, moment(a.Since), a.Text)
}

// ask asks the device's run, if one is open, what it is at.
func (c statusCommand) ask(ctx context.Context, a *app, s *statusAnswer) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	id := workflows.DeviceRun(c.Device)
	runs, err := a.runs(ctx)
	if err == nil {
		var open bool
		if open, err = runs.Open(ctx, id); err == nil && !open {
			s.NoRun = "no run is open"
			return
		}
	}
	var status workflows.Status
	if err == nil {
		status, err = runs.Status(ctx, id)
	}
	if err != nil {
		s.NoRun = "the run cannot be asked: " + inWords(err)
		return
	}
	s.Run = &status
}

func (s statusAnswer) print(a *app) error {
	d := s.Device
	about := &table{}
	about.add("device", d.ID)
	about.add("state", d.State)
	about.add("reason", d.Reason)
	about.add("project", d.Project)
	about.add("plan", fmt.Sprintf("%s at %s", d.Plan, d.Site))
	about.add("system", d.OperatingSystem)
	about.add("hostname", d.Hostname)
	about.add("machine", d.Machine)
	if d.Turn != nil {
		about.add("in line", fmt.Sprintf("%s; since %s, until %s", d.Turn, moment(d.Turn.Since), moment(d.Turn.Until)))
	}
	about.add("port", s.Port)
	for _, address := range d.Addresses {
		gateway := ", routed to the machine"
		if address.Gateway.IsValid() {
			gateway = ", gateway " + address.Gateway.String()
		}
		about.add("address", fmt.Sprintf("%s%s (%s)", address.Address, gateway, address.Role))
	}
	if d.Machine != "" {
		about.add("boot", s.Agent.String())
	}
	about.add("run", s.run())
	orders := &table{columns: []string{"order", "action", "state", "wanted", "outcome"}}
	for _, o := range s.Orders {
		orders.add(o.Order, o.Action, o.State, o.Wanted, o.Outcome)
	}
	events := &table{columns: []string{"event", "kind", "what"}}
	for _, e := range s.Events {
		events.add(e.At, e.Kind, e.Body)
	}
	for i, t := range []*table{about, orders, events} {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		if err := t.print(a.out, "table"); err != nil {
			return err
		}
	}
	return nil
}

// run says what the run is at, since when, and what comes next.
func (s statusAnswer) run() string {
	if s.Run == nil {
		return s.NoRun
	}
	text := fmt.Sprintf("%s on %s since %s", s.Run.Step, s.Run.On, moment(s.Run.Since))
	if s.Run.Awaits != "" {
		text += fmt.Sprintf("; waits for %s until %s, then: %s", s.Run.Awaits, moment(s.Run.Deadline), s.Run.Next)
	}
	return text
}

// deviceAnswer is a device as programs read it.
type deviceAnswer struct {
	ID              metal.DeviceID `json:"id"`
	State           string         `json:"state"`
	Reason          string         `json:"reason,omitempty"`
	Project         string         `json:"project"`
	Site            string         `json:"site"`
	Plan            string         `json:"plan"`
	OperatingSystem string         `json:"operating_system"`
	Hostname        string         `json:"hostname"`
	Tags            []string       `json:"tags"`
	Machine         string         `json:"machine,omitempty"`
	Rack            string         `json:"rack,omitempty"`
	Addresses       []address      `json:"addresses"`
	Turn            *metal.Turn    `json:"turn,omitempty"` // while it waits for a machine
	Created         time.Time      `json:"created_at"`
	Changed         time.Time      `json:"changed_at"`
	Deleted         *time.Time     `json:"deleted_at,omitempty"`
}

// address is one link as its machine sees it.
type address struct {
	Address netip.Prefix `json:"address"`
	Gateway netip.Addr   `json:"gateway,omitzero"`
	Role    metal.Role   `json:"role"`
}
