package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
)

// lookers are as many as the smallest machine has cores, so that what is measured
// is a look-up and not the queue before it.
const lookers = 2

// million is what a /8 gives to 32 callers with a thousand held and with a
// million, and how fast the holder of one of a million is found.
type million struct{ small, large, lookup sample }

func (b *bench) million(ctx context.Context) (m million, err error) {
	eight := netip.MustParsePrefix("10.0.0.0/8")
	var stores [2]*ours
	fills := [2]load{{32, 1000, eight}, {32, 1_000_000, eight}}
	for i, l := range fills {
		if stores[i], err = openOurs(ctx, b, fmt.Sprintf("held%d", l.held)); err != nil {
			return m, err
		}
		defer stores[i].close()
		if err := stores[i].fill(ctx, l); err != nil {
			return m, err
		}
	}
	var rates [2][]sample
	var taken [2]int
	var lookups []sample
	for range b.rounds {
		for i, l := range fills {
			s, n, err := stores[i].take(ctx, l, 32)
			if err != nil {
				return m, fmt.Errorf("ours, %s: %w", l, err)
			}
			rates[i] = append(rates[i], s)
			taken[i] += n
		}
		s, err := stores[1].look(ctx, lookers, func() netip.Addr {
			n := rand.IntN(1_000_000)
			return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		})
		if err != nil {
			return m, fmt.Errorf("look up who has an address: %w", err)
		}
		lookups = append(lookups, s)
	}
	for i, l := range fills {
		if err := stores[i].check(ctx, l.held+taken[i]); err != nil {
			return m, fmt.Errorf("ours, %s: %w", l, err)
		}
	}
	return million{median(rates[0]), median(rates[1]), median(lookups)}, nil
}

func (m million) print(to io.Writer) {
	fmt.Fprintf(to, "from a /8, 32 callers: %.0f/s with 1,000 held, %.0f/s (p99 %.1f ms) with 1,000,000: %.2f of it\n",
		m.small.perS, m.large.perS, m.large.p99, m.large.perS/m.small.perS)
	fmt.Fprintf(to, "who has an address of 1,000,000, %d callers: %.0f/s, p99 %.2f ms\n", lookers, m.lookup.perS, m.lookup.p99)
}
