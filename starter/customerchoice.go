package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"millwright/internal/apiclient"
)

type plansCommand struct {
	customer `embed:""`
}

// Run lists what hardware there is.
func (p plansCommand) Run(ctx context.Context, a *app) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	type plan struct {
		Slug, Name, Class, Description string
		AvailableIn                    []apiclient.Link `json:"available_in_metros"`
	}
	return listing[plan]{
		path: "/plans", name: "plans", query: map[string][]string{"include": {"available_in_metros"}},
		columns: []string{"plan", "name", "class", "metros", "description"},
		row: func(p plan) []any {
			var metros []string
			for _, m := range p.AvailableIn {
				metros = append(metros, m.Code)
			}
			return []any{p.Slug, p.Name, p.Class, metros, p.Description}
		},
	}.print(ctx, a, c)
}

type metrosCommand struct {
	customer `embed:""`
}

// Run lists where there is hardware.
func (m metrosCommand) Run(ctx context.Context, a *app) error {
	c, err := m.client()
	if err != nil {
		return err
	}
	type metro struct{ Code, Name, Country string }
	return listing[metro]{
		path: "/locations/metros", name: "metros", columns: []string{"metro", "name", "country"},
		row: func(m metro) []any { return []any{m.Code, m.Name, m.Country} },
	}.print(ctx, a, c)
}

type systemsCommand struct {
	customer `embed:""`
}

// Run lists what can be installed.
func (s systemsCommand) Run(ctx context.Context, a *app) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	type system struct {
		Slug, Name, Distro, Version string
		Plans                       []string `json:"provisionable_on"`
	}
	return listing[system]{
		path: "/operating-systems", name: "operating_systems", columns: []string{"system", "name", "distro", "version", "plans"},
		row: func(s system) []any { return []any{s.Slug, s.Name, s.Distro, s.Version, s.Plans} },
	}.print(ctx, a, c)
}

type capacityCommand struct {
	customer `embed:""`
	Metro    string `env:"-" completion-predictor:"metro" help:"Ask whether there is room in this metro; with --plan and --quantity."`
	Plan     string `env:"-" completion-predictor:"plan" help:"Which hardware is asked for."`
	Quantity int    `env:"-" default:"1" help:"How many are asked for."`
}

// Run says how much there is everywhere, or whether there is room for so many.
func (q capacityCommand) Run(ctx context.Context, a *app) error {
	if (q.Metro == "") != (q.Plan == "") {
		return usage(fmt.Errorf("--metro and --plan belong together; give both, or none to see all"))
	}
	c, err := q.client()
	if err != nil {
		return err
	}
	if q.Metro != "" {
		return q.check(ctx, a, c)
	}
	var all answered[struct {
		Capacity map[string]map[string]struct{ Level string }
	}]
	if err := c.Get(ctx, "/capacity/metros", &all); err != nil {
		return fmt.Errorf("read the capacity: %w", err)
	}
	if a.Output == "json" {
		return printJSON(a.out, all.raw)
	}
	t := &table{columns: []string{"metro", "plan", "level"}}
	for _, metro := range slices.Sorted(maps.Keys(all.it.Capacity)) {
		for _, plan := range slices.Sorted(maps.Keys(all.it.Capacity[metro])) {
			t.add(metro, plan, all.it.Capacity[metro][plan].Level)
		}
	}
	return t.print(a.out, a.Output)
}

// check exits 1 where there is no room, so that a script can ask.
func (q capacityCommand) check(ctx context.Context, a *app, c *apiclient.Client) error {
	type server struct {
		Metro     string `json:"metro"`
		Plan      string `json:"plan"`
		Quantity  int    `json:"quantity"`
		Available bool   `json:"available,omitempty"`
	}
	var answer answered[struct{ Servers []server }]
	body := map[string]any{"servers": []server{{Metro: q.Metro, Plan: q.Plan, Quantity: q.Quantity}}}
	if err := c.Post(ctx, "/capacity/metros", body, &answer); err != nil {
		return fmt.Errorf("ask for capacity: %w", err)
	}
	room := len(answer.it.Servers) > 0 && answer.it.Servers[0].Available
	if err := answer.print(a, func(struct{ Servers []server }) [][]any {
		return [][]any{{"metro", q.Metro}, {"plan", q.Plan}, {"quantity", q.Quantity}, {"available", room}}
	}); err != nil || room {
		return err
	}
	fmt.Fprintf(a.errs, "starter: %s has no room for %d of %s\n", q.Metro, q.Quantity, q.Plan)
	return errSaid
}
