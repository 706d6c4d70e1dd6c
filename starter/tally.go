package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// tally counts something in Postgres when Prometheus asks, and repeats a count
// of a moment ago. Where Postgres does not answer there is nothing: old numbers
// would look like news.
type tally struct {
	what  string // for the log
	fresh time.Duration
	descs []*prometheus.Desc
	count func(context.Context) ([]prometheus.Metric, error)
	log   *slog.Logger

	mu      sync.Mutex
	counted time.Time
	last    []prometheus.Metric
}

// Describe names every metric beforehand, so that a clash shows at the start.
func (t *tally) Describe(to chan<- *prometheus.Desc) {
	for _, d := range t.descs {
		to <- d
	}
}

// Collect counts, or repeats.
func (t *tally) Collect(to chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.counted) > t.fresh {
		ctx, cancel := context.WithTimeout(context.Background(), countLimit)
		defer cancel()
		all, err := t.count(ctx)
		t.last, t.counted = all, time.Now()
		if err != nil {
			t.log.Warn("count "+t.what+" for metrics", "error", err)
			t.last, t.counted = nil, time.Time{}
		}
	}
	for _, m := range t.last {
		to <- m
	}
}
