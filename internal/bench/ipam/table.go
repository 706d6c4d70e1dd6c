package main

import (
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
)

// load is what is taken, and what is held before.
type load struct {
	bits, held int
	block      netip.Prefix
}

func (l load) String() string { return fmt.Sprintf("/%d from %s, %d held", l.bits, l.block, l.held) }

// room is how many are left of the block. 15,536 of a /16 are gone within the
// window on a fast machine: callers stop with the last of them.
func (l load) room() int64 { return 1<<(l.bits-l.block.Bits()) - int64(l.held) }

// loads are what provisioning and projects ask for. A /16 has 32,768 links: the
// 50,000 are held in a /15.
var loads = []load{
	{32, 0, netip.MustParsePrefix("10.1.0.0/16")},
	{32, 10_000, netip.MustParsePrefix("10.1.0.0/16")},
	{32, 50_000, netip.MustParsePrefix("10.1.0.0/16")},
	{31, 0, netip.MustParsePrefix("10.1.0.0/16")},
	{31, 10_000, netip.MustParsePrefix("10.1.0.0/16")},
	{31, 50_000, netip.MustParsePrefix("10.2.0.0/15")},
}

// crowds are how many callers there are at a time, on conns connections.
var crowds = []int{1, 8, 32, 256}

const conns = 48

// sample is one measurement: answers per second, and how long all but one in a
// hundred waited at most, in milliseconds.
type sample struct{ perS, p99 float64 }

type cell struct {
	system  string
	load    load
	callers int
}

// table holds every round's sample.
type table map[cell][]sample

func (t table) add(system string, l load, callers int, s sample) {
	c := cell{system, l, callers}
	t[c] = append(t[c], s)
}

func (t table) median(system string, l load, callers int) sample {
	return median(t[cell{system, l, callers}])
}

// median takes each figure's own: the middle rate, and the middle p99.
func median(samples []sample) sample {
	if len(samples) == 0 {
		return sample{}
	}
	middle := func(of func(sample) float64) float64 {
		var all []float64
		for _, s := range samples {
			all = append(all, of(s))
		}
		slices.Sort(all)
		return math.Round(all[len(all)/2]*100) / 100
	}
	return sample{middle(func(s sample) float64 { return s.perS }), middle(func(s sample) float64 { return s.p99 })}
}

func (t table) print(to io.Writer) {
	fmt.Fprintf(to, "\n%-34s%8s%9s%8s%12s%8s%11s%17s\n", "taken", "callers", "ours/s", "p99 ms", "go-ipam/s", "p99 ms", "pgbench/s", "ours to pgbench")
	for _, l := range loads {
		for _, callers := range crowds {
			ours, theirs, bound := t.median("ours", l, callers), t.median("go-ipam", l, callers), t.median("pgbench", load{}, callers)
			fmt.Fprintf(to, "%-34s%8d%9.0f%8.1f%12.1f%8.0f%11.0f%17.2f\n", l, callers, ours.perS, ours.p99, theirs.perS, theirs.p99, bound.perS, ours.perS/bound.perS)
		}
	}
	fmt.Fprintf(to, "All have at most %d connections. Nobody waits for go-ipam's slowest, which are slower than it says.\n", conns)
}
