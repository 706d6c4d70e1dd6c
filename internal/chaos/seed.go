package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"millwright/internal/metal"
)

// plan says what to run.
type plan struct {
	machines int
	storm    time.Duration
	disk     bool // Postgres' disk may be full
	log      *slog.Logger
	keep     string // where logs of a seed with findings go; empty drops them
}

// seedLimit is longer than a seed may take: two settlements, and the storm.
const seedLimit = 2*settleLimit + 10*time.Minute

// weather runs one seed from its beginning to the last check.
func weather(ctx context.Context, seed uint64, p plan) (result *verdict, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.storm+seedLimit)
	defer cancel()
	began := time.Now()
	w, err := begin(ctx, p.machines, p.disk, p.log)
	if err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	defer func() { cancel(); err = errors.Join(err, w.end()) }() // first the supervisors, then the parts
	result = &verdict{Seed: seed, Machines: p.machines}
	if err := result.live(ctx, w, seed, p); err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	result.Took = time.Since(began).Seconds()
	if len(result.Findings) > 0 && p.keep != "" {
		err = w.keepLogs(p.keep, seed)
	}
	return result, err
}

// live is what happens between the start of a rig and its stop: storm, calm,
// a look at what is there, the end of all devices, and a look at what is left.
func (v *verdict) live(ctx context.Context, w *world, seed uint64, p plan) error {
	over, end := context.WithCancel(ctx)
	defer end()
	l, err := newLoad(ctx, w, seed, tenants(p.machines), over)
	if err != nil {
		return err
	}
	rec, asked := newRecovery(), &waits{found: map[string]finding{}, on: map[string]int{}}
	calm, stop := context.WithCancel(ctx)
	defer stop()
	go rec.watch(calm, w)
	go l.book.read(calm, w)
	go asked.watch(over, w, rec)
	lived := make(chan error, 1)
	go func() { lived <- l.live(calm) }()

	schedule := drawStorm(seed, p.storm, sortsOf(w.switchIDs(), p.disk))
	if err := w.storm(ctx, schedule, rec); err != nil {
		return err
	}
	end()
	p.log.Info("calm", "seed", seed, "disturbances", len(schedule))
	v.Findings = append(v.Findings, l.settle(ctx)...)
	if len(v.Findings) > 0 {
		stop() // whoever waits for what is lost would wait for ever
	}
	if err := <-lived; err != nil && len(v.Findings) == 0 {
		return err
	}
	v.Disturbances, v.recovered = tallyOf(schedule), rec.times()
	v.Findings = append(v.Findings, asked.findings()...)
	v.Waited = asked.counts()
	if err := v.look(ctx, w, always); err != nil {
		return err
	}
	return v.sweep(ctx, w, l)
}

// sweep takes all devices apart and looks for what stays.
func (v *verdict) sweep(ctx context.Context, w *world, l *load) error {
	if err := l.sweep(ctx); err != nil {
		return err
	}
	v.Findings = append(v.Findings, l.settle(ctx)...)
	if err := v.look(ctx, w, append(empty, always...)); err != nil {
		return err
	}
	v.Findings, v.Orders = distinct(v.Findings), l.book.tally()
	var err error
	if v.Quarantined, err = w.texts(ctx, `select id || ': ' || reason from machines where state = 'quarantined' order by id`); err != nil {
		return err
	}
	v.Runs, v.Total, v.Stuck, err = w.runs(ctx)
	return err
}

func (v *verdict) look(ctx context.Context, w *world, checks []check) error {
	found, err := w.tables(ctx, checks)
	if err != nil {
		return err
	}
	wrong, err := w.site(ctx)
	v.Findings = append(append(v.Findings, found...), wrong...)
	return err
}

func (w *world) switchIDs() (ids []metal.SwitchID) {
	for _, s := range w.Lab.Switches() {
		ids = append(ids, s.ID)
	}
	return ids
}

func tallyOf(schedule []disturbance) map[string]int {
	counts := map[string]int{}
	for _, d := range schedule {
		counts[d.Kind+" "+class(d.Target)]++
	}
	return counts
}
