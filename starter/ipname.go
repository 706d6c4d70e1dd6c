package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
)

type ipNameCommand struct {
	Address netip.Addr      `arg:"" help:"A public address that the project holds: its device's end of a link, or in a reservation of its own."`
	Name    string          `arg:"" optional:"" help:"What its PTR record shall say, such as www.example.com."`
	Project metal.ProjectID `required:"" env:"-" help:"Whose address it is."`
	Clear   bool            `env:"-" help:"Back to the name that Millwright gives."`
}

// Run chooses the name of an address. Reconcile brings it to the name server.
func (c ipNameCommand) Run(ctx context.Context, a *app) error {
	if c.Clear == (c.Name != "") {
		return usage(errors.New("say the name, or --clear"))
	}
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		owner, err := s.SetPointer(ctx, c.Project, c.Address, c.Name)
		sentence := fmt.Sprintf("%s will be %s at its name server within two minutes", c.Address, c.Name)
		if c.Clear {
			sentence = fmt.Sprintf("%s goes back to the name that Millwright gives, within two minutes", c.Address)
		}
		return sentence, map[string]any{"address": c.Address.String(), "name": c.Name, "owner": owner}, err
	})
}

type ipNamesCommand struct {
	Project metal.ProjectID `env:"-" help:"Only this project's choices."`
	Of      metal.Holder    `env:"-" help:"All names of device/ID or reservation/ID instead." placeholder:"OWNER"`
}

// Run lists names that projects chose, or all names of one owner.
func (c ipNamesCommand) Run(ctx context.Context, a *app) error {
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		if c.Of != "" {
			return namesOf(ctx, s, c.Of)
		}
		t := &table{columns: []string{"address", "name", "project", "since"}}
		rows, err := s.Queries().ListPointers(ctx, string(c.Project))
		for _, r := range rows {
			t.add(r.Address.String(), r.Name, r.Project, r.SetAt)
		}
		return t, err
	})
}

func namesOf(ctx context.Context, s *postgres.Store, owner metal.Holder) (*table, error) {
	t := &table{columns: []string{"zone", "name", "leads_to"}}
	rows, err := s.Queries().NamesOf(ctx, string(owner))
	for _, r := range rows {
		t.add(r.Zone, r.Name, leadsTo(r))
	}
	return t, err
}

// leadsTo is a PTR's target; addresses of a forward name are the owner's own.
func leadsTo(n query.Name) string {
	if n.Target == nil {
		return ""
	}
	return *n.Target
}
