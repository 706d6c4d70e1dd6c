package sos

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Failures that an address may have: a person with ten keys in their agent, and
// then one every few seconds.
const (
	failures     = 10
	failureEvery = 6 * time.Second
	gateLimit    = 10_000 // addresses that are remembered
)

// gate slows down who tries keys.
type gate struct {
	mu    sync.Mutex
	tries map[netip.Prefix]*rate.Limiter
}

// open says whether an address may try now.
func (g *gate) open(from net.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, known := g.tries[source(from)]
	return !known || l.Tokens() >= 1
}

// failed counts a connection that was not let in.
func (g *gate) failed(from net.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tries == nil || len(g.tries) >= gateLimit {
		g.tidy()
	}
	at := source(from)
	if g.tries[at] == nil {
		g.tries[at] = rate.NewLimiter(rate.Every(failureEvery), failures)
	}
	g.tries[at].Allow()
}

// tidy forgets who has been quiet for long enough; if that is nobody, all.
func (g *gate) tidy() {
	left := map[netip.Prefix]*rate.Limiter{}
	for at, l := range g.tries {
		if l.Tokens() < failures {
			left[at] = l
		}
	}
	if len(left) >= gateLimit {
		clear(left)
	}
	g.tries = left
}

// source is what one person has: an IPv4 address, or an IPv6 /64.
func source(from net.Addr) netip.Prefix {
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := at.Addr().Unmap(), 32
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
