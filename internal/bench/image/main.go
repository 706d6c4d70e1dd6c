package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

const (
	rounds = 5         // of each way with each disk, in turns
	data   = 512 << 20 // bytes of the full disk
	piece  = 8 << 20   // of the sparse one: one of data, two of nothing

	// Limits.
	minRatio, minSparse, maxPeak = 1, 3, 256
)

// result is the last line. Rates are of the disk's bytes, holes among them.
type result struct {
	Ours   float64 `json:"ours_mb_s"`
	DD     float64 `json:"dd_mb_s"`
	Ratio  float64 `json:"ratio"`
	Sparse float64 `json:"sparse_ratio"` // ours to dd's with two thirds of holes
	Peak   int     `json:"peak_mib"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := measure
	if len(os.Args) == 5 && os.Args[1] == writerArg {
		run = func(ctx context.Context) error { return write(ctx, os.Args[2], os.Args[3], os.Args[4]) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/image:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) (err error) {
	b, err := prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.clean()) }()
	full, err := b.compare(ctx, b.full)
	if err != nil {
		return err
	}
	sparse, err := b.compare(ctx, b.sparse)
	if err != nil {
		return err
	}
	r := result{Ours: round(full.ours), DD: round(full.dd), Ratio: round(full.ratio), Sparse: round(sparse.ratio), Peak: max(full.peak, sparse.peak)}
	fmt.Printf("limits: ratio %d, sparse_ratio %d, peak %d MiB\n", minRatio, minSparse, maxPeak)
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	if r.Ratio < minRatio || r.Sparse < minSparse || r.Peak > maxPeak {
		return errors.New("a limit is not kept")
	}
	return nil
}

// rates are medians in MB/s. The ratio is the median of the rounds' own: what
// else the machine does comes and goes, and meets both ways of a round.
type rates struct {
	ours, dd, ratio float64
	peak            int // MiB
}

// compare writes a disk in both ways by turns. Who begins changes from round
// to round, and the first round of each, which warms caches, does not count.
func (b *bench) compare(ctx context.Context, d disk) (r rates, err error) {
	var ours, dd, ratios []float64
	for n := range rounds + 1 {
		var mine word
		var theirs float64
		steps := []func() error{
			func() error { mine, err = b.ours(ctx, d); return err },
			func() error { theirs, err = b.dd(ctx, d); return err },
		}
		if n%2 == 1 {
			slices.Reverse(steps)
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return r, err
			}
		}
		fmt.Printf("%s disk, round %d: ours %4.0f MB/s (and reads back %4.0f MB/s, peak %d MiB), dd %4.0f MB/s\n",
			d.name, n, mine.Write, mine.Prove, mine.Peak, theirs)
		if r.peak = max(r.peak, mine.Peak); n > 0 {
			ours, dd, ratios = append(ours, mine.Write), append(dd, theirs), append(ratios, mine.Write/theirs)
		}
	}
	return rates{median(ours), median(dd), median(ratios), r.peak}, nil
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

func round(f float64) float64 { return math.Round(f*100) / 100 }
