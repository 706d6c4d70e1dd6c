package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// AllowProjects adds to who may take from a pool. One that has no list is
// everybody's, so the first name shuts all others out; what they hold, stays.
// Safe to repeat.
func (s *Store) AllowProjects(ctx context.Context, block netip.Prefix, projects ...metal.ProjectID) error {
	return s.list(ctx, block, projects, func(q *query.Queries) error {
		return q.AllowProjects(ctx, query.AllowProjectsParams{Block: block, Projects: projectNames(projects)})
	})
}

// DisallowProjects takes projects off a pool's list. When it is empty again the
// pool is everybody's. Safe to repeat.
func (s *Store) DisallowProjects(ctx context.Context, block netip.Prefix, projects ...metal.ProjectID) error {
	return s.list(ctx, block, projects, func(q *query.Queries) error {
		return q.DenyProjects(ctx, query.DenyProjectsParams{Block: block, Projects: projectNames(projects)})
	})
}

func (s *Store) list(ctx context.Context, block netip.Prefix, projects []metal.ProjectID, change func(*query.Queries) error) error {
	for _, p := range projects {
		if err := metal.CheckProject(p); err != nil {
			return err
		}
	}
	return s.retried(ctx, func(q *query.Queries) error {
		b, err := readBlock(ctx, q, block)
		if err != nil {
			return err
		}
		if b.Purpose != metal.Pool {
			return fmt.Errorf("%s: %w: it is one project's; only pools have lists", described(b), metal.ErrNotAllowed)
		}
		return change(q)
	})
}

// checkAllowed refuses a project that may not take from a block.
func checkAllowed(ctx context.Context, q *query.Queries, b metal.Block, project metal.ProjectID) error {
	projects, err := q.BlockProjects(ctx, b.Prefix)
	if err != nil {
		return fmt.Errorf("block %s: its projects: %w", b.Prefix, err)
	}
	for _, p := range projects {
		b.Projects = append(b.Projects, metal.ProjectID(p))
	}
	return ipam.CheckProject(b, project)
}

// Rule is how addresses of a role are treated.
type Rule struct {
	Role metal.Role
	Rest time.Duration // after they were given back, before they are given out again
}

// Rules lists the rule of every role.
func (s *Store) Rules(ctx context.Context) ([]Rule, error) {
	rows, err := s.Queries().ListRules(ctx)
	rules := make([]Rule, len(rows))
	for i, r := range rows {
		rules[i] = Rule{metal.Role(r.Role), r.Rest}
	}
	return rules, err
}

// longestRest keeps a mistyped unit from emptying a pool for years.
const longestRest = 365 * 24 * time.Hour

// SetRest says how long addresses of a role rest; those that rest already, too.
func (s *Store) SetRest(ctx context.Context, role metal.Role, rest time.Duration) error {
	rules, err := s.Rules(ctx)
	if err != nil {
		return fmt.Errorf("rule of %s: %w", role, err)
	}
	var roles []string
	for _, r := range rules {
		roles = append(roles, string(r.Role))
	}
	if !slices.Contains(roles, string(role)) {
		return fmt.Errorf("rule of %q: %w: it is no role; write one of %s", role, metal.ErrNotAllowed, strings.Join(roles, ", "))
	}
	if rest < 0 || rest > longestRest {
		return fmt.Errorf("rule of %s: %w: a rest of %s; write 0s to %s", role, metal.ErrNotAllowed, rest, longestRest)
	}
	return s.Queries().SetRest(ctx, query.SetRestParams{Role: string(role), Rest: rest})
}
