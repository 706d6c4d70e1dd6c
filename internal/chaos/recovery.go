package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// recovery measures how long runs take to get on after a disturbance: from its
// end, or from its moment for a kill and a cut, until every run that was under
// way then has written more history or has ended. Other disturbances go on in
// the meantime and are not taken out.
type recovery struct {
	mu     sync.Mutex
	last   map[string]int64 // by run: the next event of its history, as read last
	since  map[string]time.Time
	open   []*setback
	closed []time.Duration
}

// setback is one disturbance that runs have not recovered from yet.
type setback struct {
	at      time.Time
	waiting map[string]int64
}

const watchEvery = 250 * time.Millisecond

// runsUnderWay reads Temporal's own tables: one query for all runs, where its
// API takes one call for each. Orders are left out: they wait for the run of
// their device by design.
const runsUnderWay = `select c.workflow_id || ' ' || encode(c.run_id, 'hex'), e.next_event_id
from current_executions c join executions e using (shard_id, namespace_id, workflow_id, run_id)
where c.state in (1, 2) and c.workflow_id ~ '^(device|machine|address)/'`

func newRecovery() *recovery { return &recovery{since: map[string]time.Time{}} }

// watch reads how far each run is, until the context ends.
func (r *recovery) watch(ctx context.Context, w *world) {
	for wait(ctx, watchEvery) {
		if now, err := w.underWay(ctx); err == nil {
			r.read(now)
		}
	}
}

const lookLimit = 3 * time.Second

func (w *world) underWay(ctx context.Context) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	rows, err := w.progress.Query(ctx, runsUnderWay)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	now := map[string]int64{}
	for rows.Next() {
		var run string
		var next int64
		if err := rows.Scan(&run, &next); err != nil {
			return nil, err
		}
		now[run] = next
	}
	return now, rows.Err()
}

func (r *recovery) read(now map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := time.Now()
	for run, next := range now {
		if was, known := r.last[run]; !known || was != next {
			r.since[run] = at
		}
	}
	maps.DeleteFunc(r.since, func(run string, _ time.Time) bool { _, open := now[run]; return !open })
	r.last = now
	r.open = slices.DeleteFunc(r.open, func(s *setback) bool {
		maps.DeleteFunc(s.waiting, func(run string, next int64) bool { return now[run] != next })
		if len(s.waiting) > 0 {
			return false
		}
		r.closed = append(r.closed, at.Sub(s.at))
		return true
	})
}

// from begins to count for a disturbance; without a run under way there is
// nothing to recover.
func (r *recovery) from() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.last) > 0 {
		r.open = append(r.open, &setback{at: time.Now(), waiting: maps.Clone(r.last)})
	}
}

// still are the runs that have written nothing for a while.
func (r *recovery) still(length time.Duration) (runs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for run, since := range r.since {
		if time.Since(since) > length {
			runs = append(runs, run)
		}
	}
	slices.Sort(runs)
	return runs
}

// times are all that is known, shortest first. Who has not recovered by now
// counts with the time until now.
func (r *recovery) times() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.closed)
	for _, s := range r.open {
		all = append(all, time.Since(s.at))
	}
	slices.Sort(all)
	return all
}

// percentile of times that are sorted; zero where there are none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}
