package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"time"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// useOf is what a block consists of, as its own project sees it, or, of a pool,
// everybody.
func (r *room) useOf(of string) metal.Use {
	whole := addresses(r.prefix, r.prefix.Bits(), 1)
	held := new(big.Int).Sub(whole, r.free)
	held.Sub(held, r.rest)
	return metal.Use{Of: of, Family: ipam.Family(r.prefix), Total: units(r.prefix, whole), Held: units(r.prefix, held),
		Resting: units(r.prefix, r.rest), Free: units(r.prefix, r.free), LongestFree: r.longest,
		PerDay: perDay(r.taken - r.lost + r.grownOutside)}
}

func perDay(units float64) float64 { return units / rateSpan.Hours() * 24 }

// add sums two uses up.
func add(a, b metal.Use) metal.Use {
	a.Total, a.Held, a.Resting, a.Free = a.Total+b.Total, a.Held+b.Held, a.Resting+b.Resting, a.Free+b.Free
	a.PerDay, a.LongestFree = a.PerDay+b.PerDay, longer(a.LongestFree, b.LongestFree)
	return a
}

// sum adds blocks up. What is cut from a block counts as held in it.
func (all *rooms) sum(by ipam.By) []metal.Use {
	sums := uses{}
	for _, b := range all.blocks {
		r := all.at[b.Prefix]
		switch {
		case by == ipam.ByBlock:
			sums.add(r.useOf(b.Prefix.String()), b.Prefix)
		case b.Purpose != metal.Pool: // its pool has counted it
		case by == ipam.ByRole:
			sums.add(r.useOf(string(b.Role)), netip.Prefix{})
		case by == ipam.BySite:
			sums.add(r.useOf(cmp.Or(string(b.Site), ipam.Global)), netip.Prefix{})
		case by == ipam.ByAggregate:
			for _, a := range all.aggregates {
				if ipam.Covers(a, b.Prefix) {
					sums.add(r.useOf(a.String()), a)
				}
			}
		}
	}
	if by == ipam.ByAggregate {
		all.addUncut(sums)
	}
	return sums.sorted()
}

// addUncut counts what no block has of an aggregate.
func (all *rooms) addUncut(sums uses) {
	for _, a := range all.aggregates {
		r, blocks := all.at[a], slices.ContainsFunc(all.blocks, func(b metal.Block) bool { return b.Prefix == a })
		if blocks { // all of it is one block
			continue
		}
		free := units(a, r.free)
		sums.add(metal.Use{Of: a.String(), Family: ipam.Family(a), Total: free, Free: free, LongestFree: r.longest}, a)
	}
}

// uses are sums by name and family.
type uses map[useKey]*placed

type useKey struct {
	of     string
	family int
}

type placed struct {
	metal.Use
	at netip.Prefix // of an aggregate or block: its place in the order
}

func (u uses) add(one metal.Use, at netip.Prefix) {
	key := useKey{one.Of, one.Family}
	if u[key] == nil {
		u[key] = &placed{Use: metal.Use{Of: one.Of, Family: one.Family}, at: at}
	}
	u[key].Use = add(u[key].Use, one)
}

func (u uses) sorted() []metal.Use {
	rows := []*placed{}
	for _, p := range u {
		rows = append(rows, p)
	}
	slices.SortFunc(rows, func(a, b *placed) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Family, b.Family))
	})
	all := make([]metal.Use, len(rows))
	for i, p := range rows {
		all[i] = p.Use
	}
	return all
}

// useOfProjects counts a project's own blocks, where what it does not use is
// free for it, and what it has of pools.
func (s *Store) useOfProjects(ctx context.Context, since time.Time) ([]metal.Use, error) {
	all, err := s.rooms(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("count what is in use by project: %w", err)
	}
	sums := uses{}
	for _, b := range all.blocks {
		if b.Project != "" {
			use := all.at[b.Prefix].useOf(string(b.Project))
			use.PerDay = perDay(all.at[b.Prefix].taken) // what is over is counted by project
			sums.add(use, netip.Prefix{})
		}
	}
	if err := ofPools(ctx, s.Queries(), since, sums); err != nil {
		return nil, fmt.Errorf("count what projects have of pools: %w", err)
	}
	return sums.sorted(), nil
}

func ofPools(ctx context.Context, q *query.Queries, since time.Time, sums uses) error {
	size := func(family, bits int32) float64 {
		addr := netip.IPv4Unspecified()
		if family == 6 {
			addr = netip.IPv6Unspecified()
		}
		return ipam.Units(netip.PrefixFrom(addr, int(bits)))
	}
	rows, err := q.PoolUseOfProjects(ctx, since)
	if err != nil {
		return err
	}
	for _, r := range rows {
		one := size(r.Family, r.Len)
		held := float64(r.N) * one
		sums.add(metal.Use{Of: r.Project, Family: int(r.Family), Total: held, Held: held, PerDay: perDay(float64(r.Lately) * one)}, netip.Prefix{})
	}
	lost, err := q.LostByProjects(ctx, since)
	for _, r := range lost {
		sums.add(metal.Use{Of: r.Project, Family: int(r.Family), PerDay: -perDay(float64(r.N) * size(r.Family, r.Len))}, netip.Prefix{})
	}
	return err
}
