package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/rig"
)

// result is the last line.
type result struct {
	N          int     `json:"n"`
	Total      float64 `json:"total_s"` // first order to last outcome
	P50        float64 `json:"p50_s"`   // order to active, as is the rest
	P95        float64 `json:"p95_s"`
	P99        float64 `json:"p99_s"`
	Activities float64 `json:"activities_per_run"`
	Events     float64 `json:"events_per_run"`
	Bytes      float64 `json:"bytes_per_run"`
	CPU        float64 `json:"cpu_s_per_run"` // of Millwright, Temporal and Postgres; the simulated machines are not theirs
	Failed     int     `json:"failed"`
	Leaked     int     `json:"leaked"`
}

// measuring is one measurement.
type measuring struct {
	load
	*rig.Rig
	db  *pgx.Conn
	out io.Writer

	began   time.Time
	ordered map[metal.OrderID]time.Time // when its client asked
}

func run(ctx context.Context, l load, out io.Writer) (_ result, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.patient)
	defer cancel()
	r, err := rig.Start(ctx, rig.Config{Machines: l.n, Post: l.post, Limits: l.limits(), Workers: l.workers, Bin: l.bin, NoFsync: l.noFsync,
		Every: 30 * time.Second}) // as `starter migrate` has it
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	db, err := pgx.Connect(ctx, r.Stack.DSN)
	if err != nil {
		return result{}, err
	}
	defer db.Close(context.WithoutCancel(ctx))
	m := &measuring{load: l, Rig: r, db: db, out: out, ordered: map[metal.OrderID]time.Time{}}
	return m.measure(ctx)
}

// limits give a machine its POST, twice where its model leaves the agent by a
// reboot, and time to wait for its turn among all the others.
func (l load) limits() metal.Limits {
	own := 2*l.post.Max + 10*time.Minute
	return metal.Limits{Boot: own, Install: own, PhoneHome: own}
}

func (m *measuring) measure(ctx context.Context) (told result, err error) {
	before, err := m.look(ctx)
	if err != nil {
		return told, err
	}
	if err := m.order(ctx); err != nil {
		return told, err
	}
	if err := m.await(ctx); err != nil {
		return told, err
	}
	after, err := m.look(ctx)
	if err != nil {
		return told, err
	}
	runs, err := m.outcomes(ctx)
	if err != nil {
		return told, err
	}
	told = m.times(runs)
	if err := m.histories(ctx, runs, &told); err != nil {
		return told, err
	}
	told.CPU = m.costs(before, after)
	if err := m.slowest(ctx); err != nil {
		return told, err
	}
	leaks, err := m.Leaks(ctx)
	for _, l := range leaks {
		fmt.Fprintln(m.out, "leak:", l)
	}
	told.Leaked = len(leaks)
	return told, err
}
