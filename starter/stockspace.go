package main

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/ipam"
	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// spaceFresh is how long a count of address space is good for: to count a
// million leases takes Postgres 0.4 s (two cores, 2026), and no alert on them
// is a matter of seconds.
const spaceFresh = 30 * time.Second

var (
	addressesDesc = describe("millwright_addresses", "Addresses by block, of IPv6 links; what is cut from a block for a project counts as held.", "block", "site", "role", "state")
	longestDesc   = describe("millwright_block_longest_free_bits", "Length of the longest prefix that is free in a block; no series where nothing is.", "block", "site", "role")
	daysDesc      = describe("millwright_block_days_left", "Days until a block is full, if every day takes what the last week's days took on average; no series where nothing grows.", "block", "site", "role")
	pendingDesc   = describe("millwright_reservations_pending", "Reservations that wait for an operator; those of no site are global.", "site")
)

// linksPerUnit turns /64s into links of two addresses.
var linksPerUnit = math.Ldexp(1, 63)

// newSpace counts address space.
func newSpace(store *postgres.Store, log *slog.Logger) *tally {
	return &tally{
		what: "address space", fresh: spaceFresh, log: log,
		descs: []*prometheus.Desc{addressesDesc, longestDesc, daysDesc, pendingDesc},
		count: func(ctx context.Context) ([]prometheus.Metric, error) { return countSpace(ctx, store) },
	}
}

// countSpace tells of pools: a project's own blocks fill up as they should, and
// there may be thousands.
func countSpace(ctx context.Context, store *postgres.Store) (all []prometheus.Metric, err error) {
	blocks, err := store.Blocks(ctx)
	if err != nil {
		return nil, err
	}
	uses, err := store.Use(ctx, ipam.ByBlock)
	if err != nil {
		return nil, err
	}
	byPrefix := map[string]metal.Use{}
	for _, u := range uses {
		byPrefix[u.Of] = u
	}
	for _, b := range blocks {
		if u, counted := byPrefix[b.Prefix.String()]; counted && b.Purpose == metal.Pool {
			all = append(all, ofBlock(b, u)...)
		}
	}
	sites, err := store.Queries().CountPending(ctx)
	for _, s := range sites {
		all = append(all, gauge(pendingDesc, float64(s.Waiting), s.Site))
	}
	return all, err
}

func ofBlock(b metal.Block, u metal.Use) []prometheus.Metric {
	unit := 1.0
	if u.Family == 6 {
		unit = linksPerUnit
	}
	labels := []string{b.Prefix.String(), string(b.Site), string(b.Role)}
	state := func(n float64, name string) prometheus.Metric {
		return gauge(addressesDesc, n*unit, append(labels, name)...)
	}
	all := []prometheus.Metric{state(u.Free, "free"), state(u.Held, "held"), state(u.Resting, "quarantined")}
	if u.LongestFree.IsValid() {
		all = append(all, gauge(longestDesc, float64(u.LongestFree.Bits()), labels...))
	}
	if days, grows := u.DaysLeft(); grows {
		all = append(all, gauge(daysDesc, days, labels...))
	}
	return all
}
