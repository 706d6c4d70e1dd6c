package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"millwright/internal/lab"
	"millwright/internal/stack"
	"millwright/workflows"
)

// What a BMC endures at the usual pace: ten commands at once, then one each 50 ms.
const (
	window     = 2 * time.Second // as the lab's BMCs count
	usualGap   = 50 * time.Millisecond
	usualBurst = 10
	sessions   = 1
	shown      = 10 // of the BMCs that were asked too much
)

// part is one of the programs that a round costs.
type part struct {
	name string
	*stack.Part
	before time.Duration
}

// round has the worker visit every BMC, as fast as it can.
func (b *bench) round(ctx context.Context, w *world) (r result, err error) {
	parts := []*part{{name: "worker", Part: w.worker}, {name: "lab", Part: w.lab}, {name: "postgres", Part: w.stack.Postgres}, {name: "temporal", Part: w.stack.Temporal}}
	for _, p := range parts {
		if p.before, err = spent(p.PID()); err != nil {
			return r, err
		}
	}
	began := time.Now()
	if err := b.patrol(ctx, w); err != nil {
		return r, err
	}
	r = result{BMCs: b.bmcs, Seconds: time.Since(began).Seconds()}
	for _, p := range parts {
		cost, err := spent(p.PID())
		if err != nil {
			return r, err
		}
		most, err := peak(p.PID())
		if err != nil {
			return r, err
		}
		cost -= p.before
		fmt.Fprintf(b.out, "%-8s %7.1f s of CPU, %6.0f MiB at most\n", p.name, cost.Seconds(), most)
		if p.Part == w.worker {
			r.CPU, r.Peak = cost.Seconds(), most
		}
	}
	return r, nil
}

// patrol runs one round, of which every visit must have had an answer.
func (b *bench) patrol(ctx context.Context, w *world) error {
	options := client.StartWorkflowOptions{ID: workflows.PatrolRun(site), TaskQueue: workflows.ControlQueue}
	run, err := w.client.ExecuteWorkflow(ctx, options, workflows.Patrol, workflows.PatrolInput{Site: site, OlderThan: time.Nanosecond})
	if err != nil {
		return err
	}
	var got workflows.PatrolResult
	if err := run.Get(ctx, &got); err != nil {
		return err
	}
	if got.Visited != b.bmcs || got.Silent > 0 {
		return fmt.Errorf("a round through %d BMCs visited %d, of which %d did not answer; see worker.log", b.bmcs, got.Visited, got.Silent)
	}
	return nil
}

// over counts the BMCs that were asked more than their record allows, as they
// saw it themselves.
func (b *bench) over(ctx context.Context, w *world) (over int, err error) {
	gaps, err := w.gaps(ctx)
	if err != nil {
		return 0, err
	}
	answer, err := get(ctx, "http://"+w.at(labPort)+"/bmcs")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var seen []lab.BMCState
	if err := json.NewDecoder(answer.Body).Decode(&seen); err != nil {
		return 0, fmt.Errorf("read what the lab's BMCs were asked: %w", err)
	}
	requests, most := 0, 0
	for _, s := range seen {
		requests, most = requests+s.Load.Requests, max(most, s.Load.MostIn2s)
		if s.Load.MostSessions > sessions || s.Load.MostIn2s > allowed(gaps[string(s.ID)]) {
			if over++; over <= shown {
				fmt.Fprintf(b.out, "BMC of %s: %+v, and %d commands are allowed\n", s.ID, s.Load, allowed(gaps[string(s.ID)]))
			}
		}
	}
	fmt.Fprintf(b.out, "BMCs were asked %.1f times each, at most %d times in 2 s\n", float64(requests)/float64(len(seen)), most)
	return over, nil
}

// gaps are those of BMCs that want to be asked slowly, by their own word or
// because it was learnt before the round.
func (w *world) gaps(ctx context.Context) (map[string]time.Duration, error) {
	rows, err := w.sql.Query(ctx, `select m.id, greatest(coalesce(r.gap, '0'), make_interval(secs => coalesce((m.bmc ->> 'gap')::float8, 0) / 1e9))
		from machines m left join bmc_records r on r.machine = m.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	gaps := map[string]time.Duration{}
	for rows.Next() {
		var id string
		var gap time.Duration
		if err := rows.Scan(&id, &gap); err != nil {
			return nil, err
		}
		gaps[id] = gap
	}
	return gaps, rows.Err()
}

// allowed is how many commands fit into the window: a burst, and then one each
// gap. Slow BMCs get no burst.
func allowed(gap time.Duration) int {
	if gap > 0 {
		return 1 + int(window/gap)
	}
	return usualBurst + int(window/usualGap)
}
