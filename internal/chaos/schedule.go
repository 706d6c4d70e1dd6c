package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// disturbance is one thing that goes wrong, and for how long.
type disturbance struct {
	At     time.Duration // since the storm began
	Kind   string        // "kill", "freeze", …
	Target string        // "worker-1", "boot→postgres", "switch/tor-r1", "bmcs/2"
	Length time.Duration // until it is mended; zero for what is over at once
}

func (d disturbance) String() string {
	return fmt.Sprintf("%6.1fs  %-7s %-20s for %s", d.At.Seconds(), d.Kind, d.Target, d.Length.Round(100*time.Millisecond))
}

// end is when whatever is disturbed has had a moment to come back.
func (d disturbance) end() time.Duration { return d.At + d.Length + rest }

// rest is what a part gets between two disturbances of it.
const rest = 2 * time.Second

// sort of disturbance: what is hit, how often, and for how long.
type sort struct {
	kind     string
	targets  []string
	weight   int
	min, max time.Duration
}

const (
	gap       = 2200 * time.Millisecond // between two moments of trouble, on average
	together  = 0.25                    // how often more than one thing goes wrong at such a moment
	atMost    = 3                       // things at one moment
	lingering = 0.1                     // how often something takes far longer than usual
	longest   = time.Minute
)

// drawStorm is a seed's disturbances, in order.
func drawStorm(seed uint64, length time.Duration, sorts []sort) []disturbance {
	random := rand.New(rand.NewPCG(seed, 0x57044))
	var all []disturbance
	busy := map[string]time.Duration{} // by target: until when it has its trouble
	for at := gap; ; {
		at += time.Duration(random.ExpFloat64() * float64(gap))
		if at >= length {
			return all
		}
		n := 1
		if random.Float64() < together {
			n += 1 + random.IntN(atMost-1)
		}
		for range n {
			d := draw(random, sorts, at, length)
			if busy[d.Target] > at {
				continue // it has its trouble already
			}
			busy[d.Target] = d.end()
			all = append(all, d)
		}
	}
}

// draw picks one disturbance. Few are long: a storm of long ones would leave no
// time in which runs get on.
func draw(random *rand.Rand, sorts []sort, at, storm time.Duration) disturbance {
	s := sorts[pick(random, sorts)]
	d := disturbance{At: at, Kind: s.kind, Target: s.targets[random.IntN(len(s.targets))]}
	linger, share := random.Float64() < lingering, random.Float64()
	most := s.max
	if linger && most > 0 {
		most = min(longest, storm/3)
	}
	d.Length = s.min + time.Duration(share*float64(max(most-s.min, 0)))
	return d
}

func pick(random *rand.Rand, sorts []sort) int {
	sum := 0
	for _, s := range sorts {
		sum += s.weight
	}
	n := random.IntN(sum)
	return slices.IndexFunc(sorts, func(s sort) bool { n -= s.weight; return n < 0 })
}
