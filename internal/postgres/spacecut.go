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

// CutBlock makes a block of a given length where it fits best in Parent: of an
// aggregate a pool for a site and role, of a pool a block for a project. Prefix
// is left empty. Each call cuts another one.
func (s *Store) CutBlock(ctx context.Context, b metal.Block, bits int) (made netip.Prefix, err error) {
	if err := checkMasked(b.Parent); err != nil {
		return made, fmt.Errorf("cut a block: %w", err)
	}
	if err := ipam.CheckSize(b.Parent, bits); err != nil {
		return made, fmt.Errorf("cut a block: %w", err)
	}
	err = s.retried(ctx, func(q *query.Queries) (err error) {
		if err := q.LockSpace(ctx); err != nil {
			return err
		}
		parent, err := q.LockBlockRow(ctx, b.Parent)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			made, err = cutAggregate(ctx, q, b, bits)
		case err == nil:
			made, err = cutPool(ctx, q, blockOf(parent, nil), b, bits)
		}
		return err
	})
	return made, err
}

func cutPool(ctx context.Context, q *query.Queries, pool, b metal.Block, bits int) (netip.Prefix, error) {
	switch {
	case pool.Purpose != metal.Pool:
		return netip.Prefix{}, fmt.Errorf("cut a /%d: %w: %s is a project's own; cut from a pool", bits, metal.ErrNotAllowed, described(pool))
	case b.Project == "":
		return netip.Prefix{}, fmt.Errorf("cut a /%d from %s: %w: pools do not nest; say for which project it is", bits, described(pool), metal.ErrNotAllowed)
	case pool.Prefix.Bits() == bits:
		return netip.Prefix{}, fmt.Errorf("cut a /%d: %w: that is all of %s; ask for a smaller one", bits, metal.ErrInvalidPrefix, described(pool))
	}
	if err := checkAllowed(ctx, q, pool, b.Project); err != nil {
		return netip.Prefix{}, err
	}
	made, err := q.CutBlock(ctx, query.CutBlockParams{Parent: pool.Prefix, Len: int32(bits), Purpose: string(metal.Own), Project: string(b.Project), Note: b.Note})
	if err != nil {
		return made, fmt.Errorf("cut a /%d from %s: %w", bits, described(pool), err)
	}
	if made.Bits() == 0 {
		return made, noRoom(ctx, q, []netip.Prefix{pool.Prefix}, int32(bits))
	}
	return made, nil
}

func cutAggregate(ctx context.Context, q *query.Queries, b metal.Block, bits int) (netip.Prefix, error) {
	near, err := q.AggregatesNear(ctx, b.Parent)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("cut from %s: %w", b.Parent, err)
	}
	if len(near) != 1 || near[0].Prefix != b.Parent {
		return netip.Prefix{}, fmt.Errorf("cut from %s: %w: it is no block and no aggregate; see starter ip block list", b.Parent, metal.ErrInvalidPrefix)
	}
	b.Purpose = metal.Pool
	if b.Project != "" {
		return netip.Prefix{}, fmt.Errorf("cut from aggregate %s: %w: a project's blocks are cut from pools; name a pool", b.Parent, metal.ErrNotAllowed)
	}
	piece, err := q.FreeInAggregate(ctx, query.FreeInAggregateParams{Aggregate: b.Parent, Len: int32(bits)})
	if errors.Is(err, pgx.ErrNoRows) {
		longest, err := q.LongestInAggregate(ctx, b.Parent)
		return netip.Prefix{}, errors.Join(err, fmt.Errorf("no /%d is free: aggregate %s has %s; ask for a smaller one: %w", bits, b.Parent, left(longest), metal.ErrNoAddress))
	}
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("cut from aggregate %s: %w", b.Parent, err)
	}
	b.Prefix = netip.PrefixFrom(piece.Addr(), bits)
	if err := ipam.CheckBlock(b); err != nil {
		return netip.Prefix{}, err
	}
	return b.Prefix, addBlock(ctx, q, b)
}

// left says what is free at most.
func left(longest netip.Prefix) string {
	if longest.Bits() == 0 {
		return "nothing free"
	}
	return "longest free prefix " + longest.String()
}

// NoteBlock writes what people want to remember of a block.
func (s *Store) NoteBlock(ctx context.Context, prefix netip.Prefix, note string) error {
	n, err := s.Queries().NoteBlock(ctx, query.NoteBlockParams{Prefix: prefix, Note: note})
	if err == nil && n == 0 {
		return fmt.Errorf("block %s: %w: there is none; see starter ip block list", prefix, metal.ErrInvalidPrefix)
	}
	return err
}

// SetBlockRole turns an unused pool to another role, and another site if one is
// named. Anycast is of no site.
func (s *Store) SetBlockRole(ctx context.Context, prefix netip.Prefix, role metal.Role, site metal.SiteID) error {
	return s.retried(ctx, func(q *query.Queries) error {
		b, err := unused(ctx, q, prefix)
		if err != nil {
			return err
		}
		b.Role = role
		switch {
		case role == metal.Anycast:
			b.Site = site // which a check refuses, if there is one
		case site != "":
			b.Site = site
		}
		if err := ipam.CheckBlock(b); err != nil {
			return err
		}
		if err := checkSite(ctx, q, b.Site); err != nil {
			return fmt.Errorf("block %s: %w", prefix, err)
		}
		return q.SetRoleOfBlock(ctx, query.SetRoleOfBlockParams{Prefix: prefix, Role: string(b.Role), Site: string(b.Site)})
	})
}

// RemoveBlock gives an unused block back to what it was cut from.
func (s *Store) RemoveBlock(ctx context.Context, prefix netip.Prefix) error {
	return s.retried(ctx, func(q *query.Queries) error {
		if err := q.LockBlock(ctx, prefix); err != nil {
			return err
		}
		b, err := unused(ctx, q, prefix)
		if err != nil {
			return err
		}
		if b.Purpose == metal.Reservation {
			return fmt.Errorf("block %s: %w: it is a reservation of project %s; release that instead", prefix, metal.ErrNotAllowed, b.Project)
		}
		if err := q.MergePieces(ctx, prefix); err != nil {
			return fmt.Errorf("block %s: %w", prefix, err)
		}
		if err := q.DropBlockOf(ctx, prefix); err != nil {
			return fmt.Errorf("block %s: remove it: %w", prefix, err)
		}
		return nil
	})
}

// unused reads a block, and refuses one that anything stands on, naming it.
func unused(ctx context.Context, q *query.Queries, prefix netip.Prefix) (metal.Block, error) {
	b, err := readBlock(ctx, q, prefix)
	if err != nil {
		return b, err
	}
	cut, err := q.CutFrom(ctx, query.CutFromParams{Parent: prefix, Most: mostNamed})
	if err != nil {
		return b, fmt.Errorf("block %s: %w", prefix, err)
	}
	if len(cut) > 0 {
		return b, fmt.Errorf("block %s: %w: block %s of project %s was cut from it%s; use another block", prefix, metal.ErrInUse, cut[0].Prefix, cut[0].Project, andMore(len(cut)-1))
	}
	used, err := q.UsedWithin(ctx, query.UsedWithinParams{Prefix: prefix, Most: mostNamed})
	if err != nil || len(used) == 0 {
		return b, err
	}
	if p := pieceOf(query.PieceFromRow(used[0])); p.State == metal.Held {
		return b, fmt.Errorf("block %s: %w: %s is held by %s%s; use another block, or have them give it back", prefix, metal.ErrInUse, p.Prefix, p.Holder, andMore(len(used)-1))
	}
	return b, fmt.Errorf("block %s: %w: %s is in quarantine%s; wait, or end it: starter ip free %s", prefix, metal.ErrInUse, used[0].Prefix, andMore(len(used)-1), prefix)
}
