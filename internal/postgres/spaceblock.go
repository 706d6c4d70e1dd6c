package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Blocks lists all blocks, by address.
func (s *Store) Blocks(ctx context.Context) ([]metal.Block, error) {
	rows, err := s.Queries().ListAllBlocks(ctx)
	all := make([]metal.Block, len(rows))
	for i, r := range rows {
		all[i] = blockOf(query.Block{Prefix: r.Prefix, Site: r.Site, Role: r.Role, Aggregate: r.Aggregate, Parent: r.Parent,
			Purpose: r.Purpose, Project: r.Project, Note: r.Note, MadeAt: r.MadeAt}, r.Projects)
	}
	return all, err
}

func blockOf(b query.Block, projects []string) metal.Block {
	block := metal.Block{Prefix: b.Prefix, Parent: b.Aggregate, Role: metal.Role(b.Role), Purpose: metal.Purpose(b.Purpose), Note: b.Note, MadeAt: b.MadeAt.UTC()}
	if b.Parent != nil {
		block.Parent = *b.Parent
	}
	if b.Site != nil {
		block.Site = metal.SiteID(*b.Site)
	}
	if b.Project != nil {
		block.Project = metal.ProjectID(*b.Project)
	}
	for _, p := range projects {
		block.Projects = append(block.Projects, metal.ProjectID(p))
	}
	return block
}

// readBlock reads a block with who may take from it, and locks it against
// whoever would change or remove it.
func readBlock(ctx context.Context, q *query.Queries, prefix netip.Prefix) (metal.Block, error) {
	row, err := q.LockBlockRow(ctx, prefix)
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.Block{}, fmt.Errorf("block %s: %w: there is none; see starter ip block list", prefix, metal.ErrInvalidPrefix)
	}
	if err != nil {
		return metal.Block{}, fmt.Errorf("block %s: %w", prefix, err)
	}
	projects, err := q.BlockProjects(ctx, prefix)
	if err != nil {
		return metal.Block{}, fmt.Errorf("block %s: its projects: %w", prefix, err)
	}
	return blockOf(row, projects), nil
}

// AddBlock adds a block by its prefix: a pool of an aggregate, or, with a
// project, a part of a pool for that project alone. One that no aggregate has
// gets one that is assumed. Safe to repeat.
func (s *Store) AddBlock(ctx context.Context, b metal.Block) error {
	if err := checkMasked(b.Prefix); err != nil {
		return fmt.Errorf("block %w", err)
	}
	if err := ipam.CheckBlock(b); err != nil {
		return err
	}
	if b.Purpose == metal.Reservation {
		return fmt.Errorf("block %s: %w: it would be a reservation; ask for one: starter ip reserve", b.Prefix, metal.ErrNotAllowed)
	}
	return s.retried(ctx, func(q *query.Queries) error {
		if err := q.LockSpace(ctx); err != nil {
			return err
		}
		return addBlock(ctx, q, b)
	})
}

func addBlock(ctx context.Context, q *query.Queries, b metal.Block) error {
	parent, there, err := roomFor(ctx, q, b)
	if err != nil || there {
		return err
	}
	if err := checkPlace(ctx, q, b); err != nil {
		return err
	}
	params := query.PlaceBlockParams{Prefix: b.Prefix, Site: string(b.Site), Role: string(b.Role),
		Purpose: string(b.Purpose), Project: string(b.Project), Note: b.Note}
	if parent.IsValid() {
		params.Parent = &parent
	}
	if err := q.PlaceBlock(ctx, params); err != nil {
		return fmt.Errorf("block %s: add it: %w", b.Prefix, err)
	}
	if len(b.Projects) == 0 {
		return nil
	}
	return q.AllowProjects(ctx, query.AllowProjectsParams{Block: b.Prefix, Projects: projectNames(b.Projects)})
}

// roomFor finds the pool that a project's block lies in, and refuses whatever
// overlaps otherwise. A block that is there as it is wanted is no overlap.
func roomFor(ctx context.Context, q *query.Queries, b metal.Block) (parent netip.Prefix, there bool, err error) {
	near, err := q.BlocksNear(ctx, b.Prefix)
	if err != nil {
		return parent, false, fmt.Errorf("block %s: %w", b.Prefix, err)
	}
	for _, row := range near {
		n := blockOf(row, nil)
		switch {
		case n.Prefix == b.Prefix && n.Site == b.Site && n.Role == b.Role && n.Purpose == b.Purpose && n.Project == b.Project:
			return parent, true, nil
		case b.Purpose == metal.Pool || n.Purpose != metal.Pool || !ipam.Covers(n.Prefix, b.Prefix) || n.Prefix == b.Prefix:
			return parent, false, overlap(b.Prefix, n)
		case n.Site != b.Site || n.Role != b.Role:
			return parent, false, fmt.Errorf("block %s: %w: it would lie in %s, and be %s there; name its site and role", b.Prefix, metal.ErrNotAllowed, described(n), b.Role)
		}
		parent = n.Prefix
	}
	if b.Purpose != metal.Pool && !parent.IsValid() {
		return parent, false, fmt.Errorf("block %s: %w: no pool has it, and a project's blocks are cut from pools; add the pool first, without a project", b.Prefix, metal.ErrNotAllowed)
	}
	return parent, false, nil
}

func overlap(want netip.Prefix, n metal.Block) error {
	return fmt.Errorf("block %s: %w: it overlaps %s; give it a prefix beside that", want, metal.ErrOverlap, described(n))
}

// described names a block as people know it.
func described(b metal.Block) string {
	text := fmt.Sprintf("block %s (%s", b.Prefix, b.Role)
	if b.Site != "" {
		text += ", " + string(b.Site)
	}
	if b.Project != "" {
		text += ", project " + string(b.Project)
	}
	return text + ")"
}

// checkPlace refuses a block around a boot service, or around an aggregate, and
// one whose space is not free.
func checkPlace(ctx context.Context, q *query.Queries, b metal.Block) error {
	if err := checkSite(ctx, q, b.Site); err != nil {
		return fmt.Errorf("block %s: %w", b.Prefix, err)
	}
	boots, err := q.BootServicesIn(ctx, b.Prefix)
	if err != nil {
		return fmt.Errorf("block %s: %w", b.Prefix, err)
	}
	if len(boots) > 0 {
		return fmt.Errorf("block %s: %w: boot service %s of site %s is in it, and would be leased to a machine one day; move one of them",
			b.Prefix, metal.ErrOverlap, boots[0].Boot, boots[0].Site)
	}
	aggregates, err := q.AggregatesNear(ctx, b.Prefix)
	if err != nil {
		return fmt.Errorf("block %s: %w", b.Prefix, err)
	}
	for _, a := range aggregates {
		if a.Prefix.Bits() > b.Prefix.Bits() && !a.Assumed {
			return fmt.Errorf("block %s: %w: aggregate %s is smaller, and a block is cut from one aggregate; make it no larger", b.Prefix, metal.ErrOverlap, a.Prefix)
		}
	}
	if len(aggregates) == 0 || aggregates[0].Prefix.Bits() > b.Prefix.Bits() {
		return nil // one will be assumed
	}
	_, err = lockFree(ctx, q, b.Prefix)
	return err
}

func checkSite(ctx context.Context, q *query.Queries, site metal.SiteID) error {
	if site == "" {
		return nil
	}
	if ok, err := q.HasSite(ctx, string(site)); err != nil || ok {
		return err
	}
	return fmt.Errorf("%w: no site is called %q; import its file first", metal.ErrNotAllowed, site)
}

func projectNames(projects []metal.ProjectID) []string {
	names := make([]string, len(projects))
	for i, p := range projects {
		names[i] = string(p)
	}
	return names
}
