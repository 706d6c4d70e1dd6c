// Command ipam measures how fast addresses are given out, on one Postgres with
// its default durability: by Millwright's store, by metal-stack/go-ipam on the
// same Postgres, and beside them what pgbench reaches that inserts one row with
// a unique index. Rounds are interleaved, and medians count. Its last line is
// one JSON object.
//
// It imports the store, the stack, and nothing else of ours.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"millwright/internal/stack"
)

// result is the last line. Limits: alloc_per_s_8 4000 and 0.4 of pgbench_tps_8,
// alloc_per_s_32 4000 with alloc_p99_ms_32 50, alloc_per_s_32_at_1m 0.8 of that
// at a thousand, lookup_p99_ms_at_1m 2, doubles 0.
type result struct {
	PerS8       float64 `json:"alloc_per_s_8"`
	PerS32      float64 `json:"alloc_per_s_32"`
	P99Of32     float64 `json:"alloc_p99_ms_32"`
	PerS32At1M  float64 `json:"alloc_per_s_32_at_1m"`
	PgbenchOf8  float64 `json:"pgbench_tps_8"`
	PgbenchOf32 float64 `json:"pgbench_tps_32"`
	GoipamOf32  float64 `json:"goipam_per_s_32"`
	GoipamAt50k float64 `json:"goipam_per_s_1_at_50k"`
	OursAt50k   float64 `json:"ours_per_s_1_at_50k"`
	LookupAt1M  float64 `json:"lookup_p99_ms_at_1m"`
	Doubles     int     `json:"doubles"`
}

// bench is what all measurements share.
type bench struct {
	stack  *stack.Stack
	rounds int
	window time.Duration // of one measurement
	table  table
	twice  int // addresses given out twice, over all of ours
}

func main() {
	b := &bench{table: table{}}
	flag.IntVar(&b.rounds, "rounds", 5, "how often everything is measured")
	flag.DurationVar(&b.window, "window", 600*time.Millisecond, "how long each measurement lasts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/ipam:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.stack, err = stack.StartPostgres(ctx, stack.Config{}); err != nil {
		return err
	}
	defer b.stack.Stop(context.WithoutCancel(ctx))
	if err := b.sixteen(ctx); err != nil {
		return err
	}
	million, err := b.million(ctx)
	if err != nil {
		return err
	}
	b.table.print(os.Stdout)
	million.print(os.Stdout)
	return json.NewEncoder(os.Stdout).Encode(b.result(million))
}

// sixteen measures what a /16 gives, system beside system.
func (b *bench) sixteen(ctx context.Context) error {
	ours, err := openOurs(ctx, b, "ours")
	if err != nil {
		return err
	}
	defer ours.close()
	theirs, err := openGoipam(ctx, b)
	if err != nil {
		return err
	}
	defer theirs.close(ctx)
	bound, err := openPgbench(ctx, b)
	if err != nil {
		return err
	}
	defer bound.close()
	for round := range b.rounds {
		began := time.Now()
		for _, callers := range crowds {
			s, err := bound.measure(ctx, callers)
			if err != nil {
				return err
			}
			b.table.add("pgbench", load{}, callers, s)
			for _, l := range loads {
				if s, err = ours.measure(ctx, l, callers); err != nil {
					return fmt.Errorf("ours, %s, %d callers: %w", l, callers, err)
				}
				b.table.add("ours", l, callers, s)
				if s, err = theirs.measure(ctx, l, callers); err != nil {
					return fmt.Errorf("go-ipam, %s, %d callers: %w", l, callers, err)
				}
				b.table.add("go-ipam", l, callers, s)
			}
		}
		fmt.Printf("round %d of %d took %.0f s\n", round+1, b.rounds, time.Since(began).Seconds())
	}
	return nil
}

func (b *bench) result(m million) result {
	empty, full := loads[0], loads[2]
	of := func(system string, l load, callers int) sample { return b.table.median(system, l, callers) }
	return result{
		PerS8: of("ours", empty, 8).perS, PerS32: of("ours", empty, 32).perS, P99Of32: of("ours", empty, 32).p99,
		PerS32At1M: m.large.perS, LookupAt1M: m.lookup.p99,
		PgbenchOf8: of("pgbench", load{}, 8).perS, PgbenchOf32: of("pgbench", load{}, 32).perS,
		GoipamOf32: of("go-ipam", empty, 32).perS, GoipamAt50k: of("go-ipam", full, 1).perS,
		OursAt50k: of("ours", full, 1).perS, Doubles: b.twice,
	}
}
