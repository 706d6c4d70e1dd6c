package bmc

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"millwright/internal/metal"
)

// What a BMC is asked, at most. A command is an HTTP request or a run of
// ipmitool, log-ins and log-outs included.
const (
	usualGap   = 50 * time.Millisecond // some BMCs take that long for one answer anyhow
	usualBurst = 10                    // a whole conversation of the usual kind

	// A BMC has been seen to freeze after five commands in two seconds (Omni
	// #785). At this gap it sees four in any two seconds.
	longestGap = 600 * time.Millisecond

	gapGrowth  = 4   // 50 ms, 200 ms, 600 ms: two freezes teach the longest
	gapDecay   = 0.9 // each shortening that was too bold costs a freeze
	gapPatient = 100 // good conversations before a shortening
)

// pace keeps a BMC's commands apart. Its zero value sets no pace.
type pace struct {
	limiter *rate.Limiter
	gap     time.Duration
	burst   int
	heard   atomic.Bool               // whether this conversation has had an answer
	over    atomic.Pointer[time.Time] // when the last command ended, in whatever way
	sent    func(at time.Time)        // told of each command
}

// begin sets the pace of one conversation: the gap that was declared, else the
// one that was learnt. Where another process spoke with the
// BMC meanwhile, nobody here knows how much, so that no burst is left.
func (p *pace) begin(b metal.BMC, record metal.BMCRecord, between bool) {
	gap, burst := usualGap, usualBurst
	if slower := cmp.Or(b.Gap, record.Gap); slower > 0 {
		gap, burst = slower, 1
	}
	unused := p.limiter == nil && !between
	if p.limiter == nil || between || p.gap != gap || p.burst != burst {
		p.limiter, p.gap, p.burst = rate.NewLimiter(rate.Every(gap), burst), gap, burst
		if !unused {
			p.limiter.AllowN(time.Now(), burst)
		}
	}
	p.heard.Store(false)
}

// wait returns when the next command may be sent. A BMC without a burst sees its
// gap between two commands whatever the network and our own CPU do: a command
// that arrives late, as the first after a TLS handshake does, is not followed by
// one that is on time.
func (p *pace) wait(ctx context.Context) error {
	if p == nil || p.limiter == nil {
		return nil
	}
	place := p.limiter.Reserve()
	delay := place.Delay()
	if last := p.over.Load(); last != nil && p.burst == 1 {
		delay = max(delay, time.Until(last.Add(p.gap)))
	}
	if err := pause(ctx, delay); err != nil {
		place.Cancel()
		return err
	}
	if p.sent != nil {
		p.sent(time.Now())
	}
	return nil
}

// answered notes that the BMC speaks.
func (p *pace) answered() {
	if p != nil {
		p.heard.Store(true)
	}
}

// ended notes that a command is over: answered, refused, or given up.
func (p *pace) ended() {
	if p != nil {
		now := time.Now()
		p.over.Store(&now)
	}
}

// slower is the gap to keep after a BMC fell silent.
func slower(gap time.Duration) time.Duration {
	return min(max(gap, usualGap)*gapGrowth, longestGap)
}

// shorter is the gap to try after a BMC was good for a while; 0 is the usual one.
func shorter(gap time.Duration) time.Duration {
	gap = time.Duration(float64(gap) * gapDecay).Truncate(time.Millisecond)
	if gap <= usualGap {
		return 0
	}
	return gap
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, while time.Duration) error {
	if while <= 0 {
		return nil
	}
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
