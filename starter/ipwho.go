package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

type ipWhoCommand struct {
	Address netip.Addr `arg:"" help:"The address."`
	At      momentArg  `env:"-" help:"At this moment, in UTC, such as 2026-11-22T09:30:00Z; now if left out." placeholder:"TIME"`
}

// whoAnswer is what is known of an address at a moment.
type whoAnswer struct {
	Address     string     `json:"address"`
	At          time.Time  `json:"at"`
	State       string     `json:"state"`
	Prefix      string     `json:"prefix"`
	Block       string     `json:"block,omitempty"`
	Role        string     `json:"role,omitempty"`
	Site        string     `json:"site,omitempty"`
	Holder      string     `json:"holder,omitempty"`
	Project     string     `json:"project,omitempty"`
	Reservation string     `json:"reservation,omitempty"`
	Machine     string     `json:"machine,omitempty"`
	Hostname    string     `json:"hostname,omitempty"`
	From        *time.Time `json:"from,omitempty"`
	Until       *time.Time `json:"until,omitempty"`
	Before      string     `json:"before,omitempty"`       // who had it last
	BeforeUntil *time.Time `json:"before_until,omitempty"` // and until when
}

// Run answers the abuse desk.
func (c ipWhoCommand) Run(ctx context.Context, a *app) error {
	store, err := a.database(ctx)
	if err != nil {
		return err
	}
	who, err := store.Who(ctx, c.Address)
	if err == nil && !c.At.IsZero() {
		who, err = store.WhoAt(ctx, c.Address, c.At.Time)
	}
	if err != nil {
		return err
	}
	answer := whoAnswer{Address: who.Address.String(), At: who.At, State: string(who.State), Prefix: prefixText(who.Prefix), Block: prefixText(who.Block),
		Role: string(who.Role), Site: string(who.Site), Holder: string(who.Holder), Project: string(who.Project),
		Reservation: string(who.Reservation), Machine: string(who.Machine), Hostname: who.Hostname, From: when(who.From), Until: when(who.Until)}
	if who.Before != nil {
		answer.Before, answer.BeforeUntil = string(who.Before.Holder), when(who.Before.Until)
	}
	if a.Output == "json" {
		return printJSON(a.out, answer)
	}
	return answer.print(a)
}

// print leaves out what is not known.
func (w whoAnswer) print(a *app) error {
	t := &table{}
	for _, line := range []struct {
		name  string
		value any
		known bool
	}{
		{"address", w.Address, true}, {"at", w.At, true}, {"state", w.State, true}, {"prefix", w.Prefix, true}, {"block", w.Block, w.Block != ""},
		{"role", w.Role, w.Role != ""}, {"site", w.Site, w.Site != ""}, {"holder", w.Holder, w.Holder != ""}, {"project", w.Project, w.Project != ""},
		{"reservation", w.Reservation, w.Reservation != ""}, {"machine", w.Machine, w.Machine != ""}, {"hostname", w.Hostname, w.Hostname != ""},
		{"from", w.From, w.From != nil}, {"until", w.Until, w.Until != nil}, {"before", w.Before, w.Before != ""}, {"before until", w.BeforeUntil, w.BeforeUntil != nil},
	} {
		if line.known {
			t.add(line.name, line.value)
		}
	}
	return t.print(a.out, "table")
}

// whose names a holder in one of three ways.
type whose struct {
	Project metal.ProjectID `env:"-" xor:"whose" help:"A project: its blocks, its devices' addresses and its own."`
	Device  metal.DeviceID  `env:"-" xor:"whose" help:"A device."`
	Holder  metal.Holder    `env:"-" xor:"whose" help:"Any holder, such as imported/NAME or port/SWITCH:PORT."`
}

func (w whose) holder() metal.Holder {
	switch {
	case w.Project != "":
		return metal.Holder(metal.ProjectHolder) + metal.Holder(w.Project)
	case w.Device != "":
		return metal.Holder(metal.DeviceHolder) + metal.Holder(w.Device)
	}
	return w.Holder
}

type ipHeldCommand struct {
	whose `embed:""`
}

// Run lists what somebody has now.
func (c ipHeldCommand) Run(ctx context.Context, a *app) error {
	if c.holder() == "" {
		return usage(errors.New("say whose: --project, --device or --holder"))
	}
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"prefix", "what", "site", "role", "holder", "as", "since", "within", "reservation"}}
		all, err := s.HeldBy(ctx, c.holder())
		for _, h := range all {
			what := "lease"
			if h.Holder == "" {
				what = "block, " + string(h.Purpose)
			}
			t.add(h.Prefix.String(), what, string(h.Site), string(h.Role), string(h.Holder), h.Ask, h.From, prefixText(h.Block), string(h.Reservation))
		}
		return t, err
	})
}

type ipHistoryCommand struct {
	Address netip.Addr `arg:"" optional:"" help:"Of this address."`
	whose   `embed:""`
	Limit   int `env:"-" default:"100" help:"How many, the newest first."`
}

// Run lists holdings that are over.
func (c ipHistoryCommand) Run(ctx context.Context, a *app) error {
	holder := c.holder()
	if !c.Address.IsValid() && holder == "" {
		return usage(errors.New("say whose: an address, --project, --device or --holder"))
	}
	if c.Limit < 1 {
		return usage(fmt.Errorf("--limit %d: want 1 or more", c.Limit))
	}
	if c.Project != "" {
		holder = ""
	}
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"prefix", "holder", "project", "since", "until", "site", "role", "block"}}
		all, err := s.History(ctx, holder, c.Project, c.Address, c.Limit)
		for _, h := range all {
			t.add(h.Prefix.String(), string(h.Holder), string(h.Project), h.From, h.Until, string(h.Site), string(h.Role), h.Block.String())
		}
		return t, err
	})
}
