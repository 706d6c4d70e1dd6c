package main

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

type ipAggregateCommand struct {
	Add    ipAggregateAdd    `cmd:"" help:"Add what a registry gave, or say anew what it is."`
	List   ipAggregateList   `cmd:"" help:"List aggregates."`
	Remove ipAggregateRemove `cmd:"" help:"Forget one that no block was cut from."`
}

type ipAggregateAdd struct {
	Prefix   prefixArg `arg:"" help:"Such as 185.1.0.0/22."`
	Registry string    `env:"-" help:"Who gave it: ripe, arin, apnic, lacnic, afrinic; rfc1918 and the like for what nobody gives." default:""`
	Status   string    `env:"-" help:"In the registry's word, such as ALLOCATED PA."`
	Given    momentArg `env:"-" help:"On which day." placeholder:"DATE"`
	Note     string    `env:"-" help:"Whatever people want to remember."`
}

// Run adds the aggregate.
func (c ipAggregateAdd) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		err := s.AddAggregate(ctx, metal.Aggregate{Prefix: c.Prefix.Prefix, Registry: c.Registry, Status: c.Status, Given: c.Given.Time, Note: c.Note})
		return fmt.Sprintf("aggregate %s is there; cut blocks from it: starter ip block cut", c.Prefix), map[string]any{"aggregate": c.Prefix.String()}, err
	})
}

type ipAggregateList struct{}

// Run lists the aggregates; those that were assumed for a block say so.
func (ipAggregateList) Run(ctx context.Context, a *app) error {
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"aggregate", "registry", "status", "given", "assumed", "note"}}
		all, assumed, err := s.Aggregates(ctx)
		for _, g := range all {
			given := ""
			if !g.Given.IsZero() {
				given = g.Given.Format(time.DateOnly)
			}
			t.add(g.Prefix.String(), g.Registry, g.Status, given, assumed[g.Prefix], g.Note)
		}
		return t, err
	})
}

type ipAggregateRemove struct {
	Prefix prefixArg `arg:"" help:"The aggregate."`
}

// Run removes it.
func (c ipAggregateRemove) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		return fmt.Sprintf("aggregate %s is gone", c.Prefix), map[string]any{"removed": c.Prefix.String()}, s.RemoveAggregate(ctx, c.Prefix.Prefix)
	})
}

type ipRuleCommand struct {
	List ipRuleList `cmd:"" help:"List the rules."`
	Set  ipRuleSet  `cmd:"" help:"Change one."`
}

type ipRuleList struct{}

// Run lists the rule of every role.
func (ipRuleList) Run(ctx context.Context, a *app) error {
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"role", "rest"}}
		rules, err := s.Rules(ctx)
		for _, r := range rules {
			t.add(string(r.Role), r.Rest.String())
		}
		return t, err
	})
}

type ipRuleSet struct {
	Role metal.Role    `arg:"" help:"install, public, private, management, loopback, link or anycast."`
	Rest time.Duration `required:"" env:"-" help:"How long an address rests after it was given back, such as 15m: switches and neighbours remember it."`
}

// Run sets the rule; what rests already obeys it, too.
func (c ipRuleSet) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		return fmt.Sprintf("%s addresses rest for %s", c.Role, c.Rest), map[string]any{"role": c.Role, "rest": c.Rest.String()}, s.SetRest(ctx, c.Role, c.Rest)
	})
}

type ipQuotaCommand struct {
	Show ipQuotaShow `cmd:"" help:"Show what projects may have, and have."`
	Set  ipQuotaSet  `cmd:"" help:"Limit a project."`
}

type ipQuotaShow struct {
	Project metal.ProjectID `arg:"" optional:"" help:"Only this one's."`
}

// Run lists quotas. A project without one has no limit.
func (c ipQuotaShow) Run(ctx context.Context, a *app) error {
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"project", "resource", "most", "has"}}
		all, err := s.Quotas(ctx, c.Project)
		for _, q := range all {
			t.add(string(q.Project), q.Resource, q.Most, q.Has)
		}
		return t, err
	})
}

type ipQuotaSet struct {
	Project  metal.ProjectID `arg:"" help:"Whose."`
	Resource string          `arg:"" enum:"public-ipv4,reserved-ipv4,reserved-ipv6" help:"public-ipv4: addresses of links and reservations together; reserved-ipv4: of reservations; reserved-ipv6: /64s of them."`
	Most     int64           `env:"-" xor:"most" required:"" help:"How many."`
	NoLimit  bool            `env:"-" xor:"most" required:"" help:"Lift the limit."`
}

// Run sets or lifts a limit.
func (c ipQuotaSet) Run(ctx context.Context, a *app) error {
	most, sentence := c.Most, fmt.Sprintf("project %s may have %d %s; what it has above that, it keeps", c.Project, c.Most, c.Resource)
	if c.NoLimit {
		most, sentence = -1, fmt.Sprintf("project %s has no limit of %s", c.Project, c.Resource)
	} else if most < 0 {
		return usage(fmt.Errorf("--most %d: want 0 or more, or --no-limit", most))
	}
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		return sentence, map[string]any{"project": c.Project, "resource": c.Resource, "most": most}, s.SetQuota(ctx, c.Project, c.Resource, most)
	})
}

type ipAllowCommand struct {
	Block    prefixArg         `arg:"" help:"The pool."`
	Projects []metal.ProjectID `arg:"" help:"Who may take from it."`
	Not      bool              `env:"-" help:"Take them off the list instead."`
}

// Run changes a pool's list.
func (c ipAllowCommand) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		change, sentence := s.AllowProjects, fmt.Sprintf("block %s is for %s, and whoever was on its list", c.Block, joined(c.Projects))
		if c.Not {
			change, sentence = s.DisallowProjects, fmt.Sprintf("%s taken off the list of block %s; without a list it is everybody's", joined(c.Projects), c.Block)
		}
		return sentence, map[string]any{"block": c.Block.String(), "projects": c.Projects, "allowed": !c.Not}, change(ctx, c.Block.Prefix, c.Projects...)
	})
}
