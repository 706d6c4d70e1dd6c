package postgres

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"time"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// rateSpan is how far back growth looks: a whole week, so that weekends weigh
// the same in every rate.
const rateSpan = 7 * 24 * time.Hour

// Use counts what is held, at rest and free, as ipam.Uses does, and how fast
// that grows; but from sums that Postgres makes, because a million leases take
// seconds to read and less to add up. What is held is what is neither free, nor
// at rest, nor cut away: pieces tile their block, and few of them are free.
//
// The rate is what is held now less what was held a week ago, by the leases'
// own moments.
func (s *Store) Use(ctx context.Context, by ipam.By) ([]metal.Use, error) {
	since := time.Now().Add(-rateSpan)
	if by == ipam.ByProject {
		return s.useOfProjects(ctx, since)
	}
	all, err := s.rooms(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("count what is in use by %s: %w", by, err)
	}
	return all.sum(by), nil
}

// rooms are all aggregates and blocks with what is in them.
type rooms struct {
	aggregates []netip.Prefix
	blocks     []metal.Block // outer before inner
	at         map[netip.Prefix]*room
}

// room counts what is in a block, or what no block has of an aggregate.
// Addresses are counted exactly: a link is 2^-63 of an IPv6 unit, and a float
// that has held a /32 forgets it.
type room struct {
	prefix       netip.Prefix
	free, rest   *big.Int
	cut          *big.Int // away from it, for projects or as pools
	longest      netip.Prefix
	taken, lost  float64 // units: leases since a week ago, and those of then that are over
	grownOutside float64 // the same, by blocks that projects got and gave back
}

func newRoom(p netip.Prefix) *room {
	return &room{prefix: p, free: new(big.Int), rest: new(big.Int), cut: new(big.Int)}
}

// addresses is n times the size of a prefix of a length.
func addresses(p netip.Prefix, bits int, n int64) *big.Int {
	return new(big.Int).Lsh(big.NewInt(n), uint(p.Addr().BitLen()-bits))
}

// units turns addresses into what people count.
func units(p netip.Prefix, n *big.Int) float64 {
	f, _ := new(big.Float).SetInt(n).Float64()
	if ipam.Family(p) == 6 {
		return math.Ldexp(f, -64)
	}
	return f
}

func (s *Store) rooms(ctx context.Context, since time.Time) (*rooms, error) {
	q, all := s.Queries(), &rooms{at: map[netip.Prefix]*room{}}
	aggregates, err := q.ListAggregates(ctx)
	if err != nil {
		return nil, err
	}
	if all.blocks, err = s.Blocks(ctx); err != nil {
		return nil, err
	}
	uncut := map[netip.Prefix]*room{}
	for _, a := range aggregates {
		all.aggregates = append(all.aggregates, a.Prefix)
		uncut[a.Prefix] = newRoom(a.Prefix)
	}
	for _, b := range all.blocks {
		all.at[b.Prefix] = newRoom(b.Prefix)
	}
	for _, b := range all.blocks {
		if parent := all.at[b.Parent]; parent != nil && b.Purpose != metal.Pool {
			parent.cut.Add(parent.cut, addresses(b.Prefix, b.Prefix.Bits(), 1))
			if b.MadeAt.After(since) {
				parent.grownOutside += ipam.Units(b.Prefix)
			}
		}
	}
	if err := all.countFree(ctx, q, uncut); err != nil {
		return nil, err
	}
	if err := all.countGrowth(ctx, q, since); err != nil {
		return nil, err
	}
	for prefix, r := range uncut { // an aggregate may be one block
		if all.at[prefix] == nil {
			all.at[prefix] = r
		}
	}
	return all, nil
}

func (all *rooms) countFree(ctx context.Context, q *query.Queries, uncut map[netip.Prefix]*room) error {
	parts, err := q.FreeParts(ctx)
	for _, p := range parts {
		r := all.at[p.Block]
		if p.Block.Bits() == 0 {
			r = uncut[p.Aggregate]
		}
		switch n := addresses(p.Lowest, int(p.Len), p.N); {
		case r == nil: // made or gone since the blocks were read
		case p.Resting:
			r.rest.Add(r.rest, n)
		default:
			r.free.Add(r.free, n)
			r.longest = longer(r.longest, p.Lowest)
		}
	}
	return err
}

// longer is the larger of two prefixes, and of equals the lower.
func longer(a, b netip.Prefix) netip.Prefix {
	if !a.IsValid() || b.IsValid() && (b.Bits() < a.Bits() || b.Bits() == a.Bits() && b.Compare(a) < 0) {
		return b
	}
	return a
}

func (all *rooms) countGrowth(ctx context.Context, q *query.Queries, since time.Time) error {
	grown, err := q.Growth(ctx, since)
	if err != nil {
		return err
	}
	for _, g := range grown {
		if r := all.at[g.Block]; r != nil {
			n := float64(g.N) * ipam.Units(netip.PrefixFrom(g.Block.Addr(), int(g.Len)))
			r.taken, r.lost = r.taken+max(n, 0), r.lost-min(n, 0)
		}
	}
	ended, err := q.ReservedSince(ctx, &since)
	for _, r := range ended {
		if pool := all.poolOf(r.Prefix); pool != nil {
			pool.grownOutside -= ipam.Units(r.Prefix)
		}
	}
	return err
}

// poolOf is the pool that a prefix was cut from.
func (all *rooms) poolOf(p netip.Prefix) *room {
	for _, b := range all.blocks {
		if b.Purpose == metal.Pool && ipam.Covers(b.Prefix, p) {
			return all.at[b.Prefix]
		}
	}
	return nil
}
