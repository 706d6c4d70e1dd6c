// Command api measures how fast the customers' API answers: a real starter on a
// real Postgres and Temporal, with 10,000 devices of 1,000 projects, asked at a
// fixed rate whether or not it has answered what was asked before. Beside it the
// same load goes to a handler that does nothing, so that what the machine and
// HTTP cost is known. Its last line is one JSON object.
//
// It imports the store, the stack, and what it takes to describe sites; the load
// is vegeta's. No worker runs: what is created is queued.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// result is the last line.
type result struct {
	List   float64 `json:"list_p99_ms"`
	Get    float64 `json:"get_p99_ms"`
	Create float64 `json:"create_p99_ms"`
	Errors int     `json:"errors"`
}

// Limits, on two cores.
const (
	mostRead   = 20 * time.Millisecond
	mostCreate = 100 * time.Millisecond
)

type bench struct {
	devices, projects int
	window            time.Duration // of each load that reads; half of it for creates
	api               string
	projectIDs        []string
	keys              []string // of the project at the same place
	deviceIDs         []string // of the projects, in turn
}

func main() {
	b := &bench{}
	flag.IntVar(&b.devices, "devices", 10_000, "devices in the database")
	flag.IntVar(&b.projects, "projects", 1_000, "projects that have them")
	flag.DurationVar(&b.window, "window", 20*time.Second, "how long lists and looks are asked for; half of it for creates")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/api:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) error {
	w, err := b.begin(ctx)
	if err != nil {
		return err
	}
	defer w.end()
	if err := b.fill(ctx, w); err != nil {
		return err
	}
	if err := b.serve(ctx, w); err != nil {
		return err
	}
	var r result
	var seen []sample
	for _, load := range []struct {
		load
		into *float64
	}{{b.lists(), &r.List}, {b.looks(), &r.Get}, {b.creates(), &r.Create}} {
		got, err := b.measure(ctx, load.load)
		if err != nil {
			return err
		}
		*load.into = milliseconds(got.p99)
		r.Errors += got.errors
		seen = append(seen, got)
	}
	if err := w.created(ctx, seen[2].asked-seen[2].errors); err != nil {
		return err
	}
	fmt.Printf("limits: list and get %s, create %s, no errors\n", mostRead, mostCreate)
	return json.NewEncoder(os.Stdout).Encode(r)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
