package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Aggregates lists what registries gave, by address; with whether Millwright
// only assumed it, for a block that no aggregate had.
func (s *Store) Aggregates(ctx context.Context) ([]metal.Aggregate, map[netip.Prefix]bool, error) {
	rows, err := s.Queries().ListAggregates(ctx)
	all, assumed := make([]metal.Aggregate, len(rows)), map[netip.Prefix]bool{}
	for i, row := range rows {
		all[i] = aggregateOf(row)
		assumed[row.Prefix] = row.Assumed
	}
	return all, assumed, err
}

func aggregateOf(row query.ListAggregatesRow) metal.Aggregate {
	given, _ := time.Parse(time.DateOnly, row.Given) // Postgres wrote it; empty is the zero time
	return metal.Aggregate{Prefix: row.Prefix, Registry: row.Registry, Status: row.Status, Given: given, Note: row.Note}
}

// AddAggregate adds what a registry gave, or says anew what one that is there
// is. Smaller ones that were only assumed become part of it. Safe to repeat.
func (s *Store) AddAggregate(ctx context.Context, a metal.Aggregate) error {
	if err := checkMasked(a.Prefix); err != nil {
		return fmt.Errorf("aggregate %w", err)
	}
	return s.retried(ctx, func(q *query.Queries) error {
		if err := q.LockSpace(ctx); err != nil {
			return err
		}
		return addAggregate(ctx, q, a)
	})
}

func addAggregate(ctx context.Context, q *query.Queries, a metal.Aggregate) error {
	near, err := q.AggregatesNear(ctx, a.Prefix)
	if err != nil {
		return fmt.Errorf("aggregate %s: %w", a.Prefix, err)
	}
	given := ""
	if !a.Given.IsZero() {
		given = a.Given.UTC().Format(time.DateOnly)
	}
	for _, n := range near {
		switch {
		case n.Prefix == a.Prefix:
			return q.NameAggregate(ctx, query.NameAggregateParams{Prefix: a.Prefix, Registry: a.Registry, Status: a.Status, Given: given, Note: a.Note})
		case ipam.Covers(n.Prefix, a.Prefix):
			return fmt.Errorf("aggregate %s: %w: it lies in aggregate %s; cut a block from that one instead", a.Prefix, metal.ErrOverlap, n.Prefix)
		case !n.Assumed:
			return fmt.Errorf("aggregate %s: %w: aggregate %s lies in it; add what is around that one in parts, or remove it first", a.Prefix, metal.ErrOverlap, n.Prefix)
		}
	}
	err = q.AddAggregate(ctx, query.AddAggregateParams{Prefix: a.Prefix, Registry: a.Registry, Status: a.Status, Given: given, Note: a.Note})
	if err != nil {
		return fmt.Errorf("add aggregate %s: %w", a.Prefix, err)
	}
	return nil
}

// RemoveAggregate forgets an aggregate that no block was cut from.
func (s *Store) RemoveAggregate(ctx context.Context, prefix netip.Prefix) error {
	return s.retried(ctx, func(q *query.Queries) error {
		if err := q.LockSpace(ctx); err != nil {
			return err
		}
		near, err := q.AggregatesNear(ctx, prefix)
		if err != nil {
			return fmt.Errorf("aggregate %s: %w", prefix, err)
		}
		if len(near) != 1 || near[0].Prefix != prefix {
			return fmt.Errorf("aggregate %s: %w: there is none; see starter ip aggregate list", prefix, metal.ErrInvalidPrefix)
		}
		blocks, err := q.BlocksNear(ctx, prefix)
		if err != nil {
			return fmt.Errorf("aggregate %s: %w", prefix, err)
		}
		if len(blocks) > 0 {
			return fmt.Errorf("aggregate %s: %w: block %s was cut from it%s; remove that first", prefix, metal.ErrInUse, blocks[0].Prefix, andMore(len(blocks)-1))
		}
		if err := q.MergePieces(ctx, prefix); err != nil {
			return fmt.Errorf("aggregate %s: %w", prefix, err)
		}
		gone, err := q.DropPiecesOf(ctx, prefix)
		if err != nil {
			return fmt.Errorf("aggregate %s: %w", prefix, err)
		}
		if gone != 1 {
			return fmt.Errorf("aggregate %s: %w", prefix, errBusy)
		}
		return q.DropAggregate(ctx, prefix)
	})
}

// checkMasked refuses what is no prefix, for callers who did not read it from
// a text: those have heard of it from ipam.ParsePrefix.
func checkMasked(p netip.Prefix) error {
	switch {
	case !p.IsValid() || p.Addr().Is4In6():
		return fmt.Errorf("%s: %w; write one like 198.51.100.0/24 or 2001:db8::/56", p, metal.ErrInvalidPrefix)
	case p != p.Masked():
		return fmt.Errorf("%s: %w: it has host bits; write %s", p, metal.ErrInvalidPrefix, p.Masked())
	}
	return nil
}

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
