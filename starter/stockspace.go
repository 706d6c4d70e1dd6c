package main

import (
	"context"
	"log/slog"
	"math"
	"sync"
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

// space counts address space when Prometheus asks.
type space struct {
	store *postgres.Store
	log   *slog.Logger

	mu      sync.Mutex
	counted time.Time
	last    []prometheus.Metric
}

// Describe names every metric beforehand, so that a clash shows at the start.
func (s *space) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{addressesDesc, longestDesc, daysDesc, pendingDesc} {
		to <- d
	}
}

// Collect counts, or repeats a count of a moment ago. Where Postgres does not
// answer there is nothing: old numbers would look like news.
func (s *space) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.counted) > spaceFresh {
		ctx, cancel := context.WithTimeout(context.Background(), countLimit)
		defer cancel()
		all, err := countSpace(ctx, s.store)
		s.last, s.counted = all, time.Now()
		if err != nil {
			s.log.Warn("count address space for metrics", "error", err)
			s.last, s.counted = nil, time.Time{}
		}
	}
	for _, m := range s.last {
		to <- m
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
