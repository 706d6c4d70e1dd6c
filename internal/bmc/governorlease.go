package bmc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"millwright/internal/metal"
)

const (
	leaseTime  = time.Minute // what a process that died keeps a BMC from the others
	leaseRenew = leaseTime / 6
	leaseAsk   = 5 * time.Second // one question to the ledger, which takes some ms

	firstLook   = 100 * time.Millisecond // while another process has the BMC
	slowestLook = time.Second

	// A process with much to ask of one BMC takes turn after turn, and would win
	// each race against others, who only look now and then.
	longestSeries = 5 * time.Second
	standAside    = slowestLook + firstLook
)

// errLost ends a conversation whose turn the ledger may have given to another.
var errLost = errors.New("its turn lapsed: the ledger did not prolong it")

// lease is a turn among all processes. It is prolonged while it is held.
type lease struct {
	ledger  Ledger
	machine metal.MachineID
	holder  string
	record  metal.BMCRecord
	ctx     context.Context
	stop    context.CancelCauseFunc
	stopped chan struct{}
}

// lease waits until the ledger gives the turn.
func (d *Driver) lease(ctx context.Context, machine metal.MachineID, g *governor) (*lease, error) {
	if err := g.letOthers(ctx); err != nil {
		return nil, err
	}
	l := &lease{ledger: d.Ledger, machine: machine, holder: d.holder(), stopped: make(chan struct{})}
	for look := firstLook; ; look = min(look*3/2, slowestLook) {
		mine, err := l.take(ctx)
		if err != nil {
			return nil, fmt.Errorf("take its turn among all processes: %w", err)
		}
		if mine {
			break
		}
		// Some more or less, lest processes look in step.
		if err := pause(ctx, look*9/10+rand.N(look/5)); err != nil {
			return nil, fmt.Errorf("wait for another process to end its session: %w", err)
		}
	}
	l.ctx, l.stop = context.WithCancelCause(ctx)
	go l.prolong(context.WithoutCancel(ctx), time.Now().Add(leaseTime))
	return l, nil
}

// letOthers waits a moment after a long series of turns.
func (g *governor) letOthers(ctx context.Context) error {
	now := time.Now()
	switch {
	case now.Sub(g.ended) > firstLook:
		g.series = now
	case now.Sub(g.series) > longestSeries:
		g.series = now.Add(standAside)
		return pause(ctx, standAside)
	}
	return nil
}

// take asks once. It is not cut off with the caller: an answer that nobody
// heard would keep the BMC from the others until the lease ends.
func (l *lease) take(ctx context.Context) (mine bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseAsk)
	defer cancel()
	record, mine, err := l.ledger.Take(ask, l.machine, l.holder, time.Now().Add(leaseTime))
	if mine && l.ctx == nil {
		l.record = record
	}
	return mine, err
}

// prolong moves the end of the lease on, until it is stopped. A ledger that
// does not answer ends the conversation shortly before the lease.
func (l *lease) prolong(ctx context.Context, until time.Time) {
	defer close(l.stopped)
	for {
		if pause(l.ctx, leaseRenew) != nil {
			return
		}
		next := time.Now().Add(leaseTime)
		mine, err := l.take(ctx)
		if err == nil && mine {
			until = next
			continue
		}
		if err == nil || time.Until(until) < 2*leaseRenew {
			l.stop(blameless{errLost})
			return
		}
	}
}

// done gives the turn back with what was learnt.
func (l *lease) done(record metal.BMCRecord) error {
	l.stop(nil)
	<-l.stopped
	ctx, cancel := context.WithTimeout(context.Background(), leaseAsk)
	defer cancel()
	return l.ledger.Done(ctx, l.machine, l.holder, record)
}
