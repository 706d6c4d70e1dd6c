package main

import (
	"context"
	"fmt"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres"
)

type ipBlockCommand struct {
	Add    ipBlockAdd    `cmd:"" help:"Add one by its prefix: a pool of an aggregate, or a project's part of a pool."`
	Cut    ipBlockCut    `cmd:"" help:"Cut one of a size where it fits best: of an aggregate a pool, of a pool a project's part."`
	List   ipBlockList   `cmd:"" help:"List blocks."`
	Note   ipBlockNote   `cmd:"" help:"Write what people want to remember of one."`
	Role   ipBlockRole   `cmd:"" help:"Turn an unused pool to another role or site."`
	Remove ipBlockRemove `cmd:"" help:"Give an unused one back to what it was cut from."`
}

// blockPlace is what a block is for.
type blockPlace struct {
	Site    metal.SiteID    `env:"-" help:"Where; anycast is of no site."`
	Role    metal.Role      `env:"-" help:"public, private, install, management, loopback, link or anycast."`
	Project metal.ProjectID `env:"-" help:"For one project alone: a part of a pool."`
	Note    string          `env:"-" help:"Whatever people want to remember."`
}

func (p blockPlace) block() metal.Block {
	b := metal.Block{Site: p.Site, Role: p.Role, Purpose: metal.Pool, Project: p.Project, Note: p.Note}
	if p.Project != "" {
		b.Purpose = metal.Own
	}
	return b
}

type ipBlockAdd struct {
	Prefix     prefixArg         `arg:"" help:"Such as 185.1.0.0/24."`
	Only       []metal.ProjectID `env:"-" help:"Who may take from a pool; everybody if left out."`
	blockPlace `embed:""`
}

// Run adds the block.
func (c ipBlockAdd) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		b := c.block()
		b.Prefix, b.Projects = c.Prefix.Prefix, c.Only
		return fmt.Sprintf("block %s is there", c.Prefix), map[string]any{"block": c.Prefix.String()}, s.AddBlock(ctx, b)
	})
}

type ipBlockCut struct {
	From       prefixArg `arg:"" help:"The aggregate or the pool."`
	Size       sizeArg   `required:"" env:"-" help:"Its length, such as /26." placeholder:"/N"`
	blockPlace `embed:""`
}

// Run cuts a block, and prints which.
func (c ipBlockCut) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		b := c.block()
		b.Parent = c.From.Prefix
		made, err := s.CutBlock(ctx, b, int(c.Size))
		return fmt.Sprintf("block %s was cut from %s", made, c.From), map[string]any{"block": prefixText(made), "from": c.From.String()}, err
	})
}

type ipBlockList struct {
	Site    metal.SiteID    `env:"-" help:"Only this site's."`
	Role    metal.Role      `env:"-" help:"Only of this role."`
	Project metal.ProjectID `env:"-" help:"Only this project's."`
	Pools   bool            `env:"-" help:"Only pools: no projects' parts of them."`
}

// Run lists blocks with how full they are.
func (c ipBlockList) Run(ctx context.Context, a *app) error {
	return asked(ctx, a, func(s *postgres.Store) (*table, error) {
		t := &table{columns: []string{"block", "site", "role", "purpose", "project", "used", "longest_free", "cut_from", "only", "note"}}
		blocks, err := s.Blocks(ctx)
		if err != nil {
			return nil, err
		}
		uses, err := s.Use(ctx, ipam.ByBlock)
		rows := map[string]ipam.UseRow{}
		for _, u := range ipam.UseRows(ipam.ByBlock, uses) {
			rows[u.Of] = u
		}
		for _, b := range blocks {
			if c.wants(b) {
				u := rows[b.Prefix.String()]
				t.add(b.Prefix.String(), string(b.Site), string(b.Role), string(b.Purpose), string(b.Project), percent(u.Used), u.LongestFree,
					b.Parent.String(), joined(b.Projects), b.Note)
			}
		}
		return t, err
	})
}

func (c ipBlockList) wants(b metal.Block) bool {
	return (c.Site == "" || c.Site == b.Site) && (c.Role == "" || c.Role == b.Role) && (c.Project == "" || c.Project == b.Project) &&
		(!c.Pools || b.Purpose == metal.Pool)
}

// percent is a share for people, and a number for programs.
type percent float64

// String rounds, but never to none or all of what is neither.
func (p percent) String() string {
	switch {
	case p > 0 && p < 0.001:
		return "<0.1%"
	case p < 1 && p > 0.999:
		return ">99.9%"
	}
	return fmt.Sprintf("%.1f%%", float64(p)*100)
}

type ipBlockNote struct {
	Prefix prefixArg `arg:"" help:"The block."`
	Note   string    `arg:"" help:"Empty takes it away."`
}

// Run writes the note.
func (c ipBlockNote) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		return fmt.Sprintf("block %s: %s", c.Prefix, c.Note), map[string]any{"block": c.Prefix.String(), "note": c.Note}, s.NoteBlock(ctx, c.Prefix.Prefix, c.Note)
	})
}

type ipBlockRole struct {
	Prefix prefixArg    `arg:"" help:"The block."`
	Role   metal.Role   `arg:"" help:"public, private, install, management, loopback, link or anycast."`
	Site   metal.SiteID `env:"-" help:"Its new site, if it moves."`
}

// Run turns the block to another use.
func (c ipBlockRole) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		return fmt.Sprintf("block %s is %s", c.Prefix, c.Role), map[string]any{"block": c.Prefix.String(), "role": c.Role},
			s.SetBlockRole(ctx, c.Prefix.Prefix, c.Role, c.Site)
	})
}

type ipBlockRemove struct {
	Prefix prefixArg `arg:"" help:"The block."`
}

// Run removes it.
func (c ipBlockRemove) Run(ctx context.Context, a *app) error {
	return done(ctx, a, func(s *postgres.Store) (string, map[string]any, error) {
		return fmt.Sprintf("block %s is gone", c.Prefix), map[string]any{"removed": c.Prefix.String()}, s.RemoveBlock(ctx, c.Prefix.Prefix)
	})
}
