package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// Limits of a round through 5,000 BMCs, on two cores.
const (
	mostSeconds = 600
	mostMiB     = 512
	mostOver    = 0
)

// result is the last line.
type result struct {
	BMCs    int     `json:"bmcs"`
	Seconds float64 `json:"round_s"`
	Peak    float64 `json:"peak_mib"`   // of the worker's memory, from its start
	CPU     float64 `json:"cpu_s"`      // of the worker, in the round
	Over    int     `json:"over_limit"` // BMCs that were asked more than they endure
}

type bench struct {
	bmcs    int
	bin     string // folder of the programs; empty finds the module's bin/
	noFsync bool   // for tests: a disk that nobody waits for
	out     io.Writer
}

func main() {
	b := &bench{out: os.Stdout}
	flag.IntVar(&b.bmcs, "bmcs", 5_000, "BMCs of the site, up to 5000")
	flag.StringVar(&b.bin, "bin", "", "folder of worker, starter, lab and Temporal's programs; the module's bin/ where none is given")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := b.run(ctx)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/patrol:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) (r result, err error) {
	w, err := b.begin(ctx)
	if err != nil {
		return r, err
	}
	defer w.end()
	if r, err = b.round(ctx, w); err != nil {
		return r, err
	}
	if r.Over, err = b.over(ctx, w); err != nil {
		return r, err
	}
	fmt.Fprintf(b.out, "limits: %d s, %d MiB, %d BMCs asked more than they endure\n", mostSeconds, mostMiB, mostOver)
	return r, nil
}
