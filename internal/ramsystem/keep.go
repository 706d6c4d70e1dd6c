//go:build linux

package ramsystem

import (
	"context"
	"time"
)

// soonest is the shortest time between two renewals, whatever a server says.
const soonest = 10 * time.Second

// keep puts a lease to use, and renews it until the system leaves.
func (s *System) keep(ctx context.Context, h holding) {
	s.put(h)
	s.keeping()
	ctx, s.keeping = context.WithCancel(ctx)
	go func() {
		for h.lease.lasts > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(max(h.lease.lasts/2, soonest)):
			}
			h = s.again(ctx, h)
		}
	}()
}

// again renews a lease. Where nobody answers the address stays in use beyond
// the lease's end: it belongs to the port, nobody else gets it, and a machine
// that waits in RAM must outlast a boot service that is away.
func (s *System) again(ctx context.Context, h holding) holding {
	fresh, err := h.asker.renew(ctx, h.lease)
	if err != nil && ctx.Err() == nil {
		// The server may have forgotten this lease, or refuse it.
		within, cancel := context.WithTimeout(ctx, attempt)
		defer cancel()
		fresh, err = h.asker.request(within)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn("the lease is not renewed; its address stays in use", "error", err)
		}
		return h
	}
	h.lease = fresh
	s.put(h)
	return h
}

func (s *System) put(h holding) {
	if err := h.lease.apply(h.link, s.resolv); err != nil {
		s.log.Error("a lease cannot be put to use", "error", err)
		return
	}
	s.log.Info("this machine has an address", "link", h.link, "address", h.lease.address, "lease", h.lease.lasts)
}
