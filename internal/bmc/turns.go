package bmc

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"millwright/internal/metal"
)

// governors are this process's, one for each BMC. Keys are BMC addresses, of
// which a process sees thousands at most, so that none is ever removed.
type governors struct{ byKey sync.Map }

// governor lets one caller at a time have a BMC: small BMCs freeze under a
// burst of commands, and hold few sessions.
type governor struct {
	seat  chan struct{}
	known atomic.Pointer[metal.BMCRecord] // as the last turn here left it

	// The rest is of the caller that has the seat.
	pace   pace
	good   int       // conversations since the gap was learnt or last shortened
	series time.Time // since when turns of this process followed each other at once
	ended  time.Time // the last of them
}

func (g *governors) of(at endpoint) *governor {
	key := at.String()
	if found, ok := g.byKey.Load(key); ok {
		return found.(*governor)
	}
	fresh := &governor{seat: make(chan struct{}, 1)}
	fresh.known.Store(&metal.BMCRecord{})
	found, _ := g.byKey.LoadOrStore(key, fresh)
	return found.(*governor)
}

// turn is the right to a BMC: nobody else has it, in any process, until its end.
type turn struct {
	*governor
	ctx    context.Context // the caller's; ends as well if the ledger gives the turn to another
	record metal.BMCRecord // given back at the end, with what was learnt
	end    func()
}

// turn waits until the BMC is free for a command, consoles included.
func (d *Driver) turn(ctx context.Context, b metal.BMC, at endpoint) (*turn, error) {
	if b.Sessions != 1 {
		return d.take(ctx, b, at)
	}
	resume, err := d.yields.command(ctx, at.String())
	if err != nil {
		return nil, fmt.Errorf("wait for its console to close: %w", err)
	}
	back := d.othersYield(ctx, b)
	t, err := d.take(ctx, b, at)
	if err != nil {
		back()
		resume()
		return nil, err
	}
	give := t.end
	t.end = func() { give(); back(); resume() }
	return t, nil
}

// take waits for the seat in this process, then for the turn among all.
func (d *Driver) take(ctx context.Context, b metal.BMC, at endpoint) (*turn, error) {
	g := d.governors.of(at)
	select {
	case g.seat <- struct{}{}:
	case <-ctx.Done():
		return nil, blameless{fmt.Errorf("wait for its other session to end: %w", context.Cause(ctx))}
	}
	known := *g.known.Load()
	t := &turn{governor: g, ctx: ctx, record: known}
	var held *lease // none: this process is alone, or the BMC is no machine's yet
	if d.Ledger != nil && b.Machine != "" {
		var err error
		if held, err = d.lease(ctx, b.Machine, g); err != nil {
			<-g.seat
			return nil, blameless{err}
		}
		t.ctx, t.record = held.ctx, held.record
	}
	t.record.Machine = b.Machine
	between := !t.record.UsedAt.IsZero() && !t.record.UsedAt.Equal(known.UsedAt)
	g.pace.begin(b, t.record, between)
	g.pace.sent = d.sentTo(b)
	t.end = func() { d.leave(b, t, held) }
	return t, nil
}

// leave gives the turn back, first to the ledger and then to this process.
func (d *Driver) leave(b metal.BMC, t *turn, held *lease) {
	t.record.UsedAt = moment()
	left := t.record
	t.known.Store(&left)
	if held != nil {
		if err := held.done(left); err != nil {
			d.log().Warn("turn not given back: it ends by itself", "machine", b.Machine, "bmc", b.Address, "within", leaseTime, "error", err)
		}
	}
	t.ended = time.Now()
	<-t.seat
}

func (d *Driver) sentTo(b metal.BMC) func(time.Time) {
	if d.Sent == nil {
		return nil
	}
	return func(at time.Time) { d.Sent(b, at) }
}

// othersYield asks other processes for the BMC's session. Whether they gave it
// or not, the command is tried: a BMC that refuses it is weather.
func (d *Driver) othersYield(ctx context.Context, b metal.BMC) (back func()) {
	if d.Yield == nil {
		return func() {}
	}
	back, err := d.Yield(ctx, b)
	if err != nil {
		d.log().WarnContext(ctx, "its console is perhaps open elsewhere", "machine", b.Machine, "bmc", b.Address, "error", err)
		return func() {}
	}
	return back
}
