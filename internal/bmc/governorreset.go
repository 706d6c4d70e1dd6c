package bmc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

const (
	resetAfter = failureLimit + 2 // failures in a row: the breaker has opened three times
	resetAgain = 6 * time.Hour    // a BMC that a reset did not help needs somebody who looks at it
	resetRest  = 2 * time.Minute  // BMCs start in one to three
	resetLimit = 5 * time.Minute  // slowest start seen of a BMC: some 4 min, after an update of its firmware
	resetLook  = 5 * time.Second
)

// restarter is a session that can have the BMC itself start anew. The machine
// goes on.
type restarter interface {
	restart(ctx context.Context) error
}

// ColdReset has a BMC start anew, and returns once it answers again. It is the
// last resort for one that misbehaves, so that it is tried over both protocols
// and although the BMC rests. The machine itself is not touched.
func (d *Driver) ColdReset(ctx context.Context, b metal.BMC) error {
	const doing = "cold reset"
	at, err := endpointOf(b)
	if err != nil {
		return named(ctx, b, doing, err)
	}
	t, err := d.turn(ctx, b, at)
	if err != nil {
		return named(ctx, b, doing, err)
	}
	began := time.Now()
	closing, err := d.restart(b, t)
	if err == nil {
		closing, err = d.awaitRestart(b, t)
	}
	outcome := outcomeOf(t.ctx, err)
	if outcome == OutcomeOK {
		t.learn(outcome, nil)
	}
	d.observe(b, doing, outcome, time.Since(began))
	t.endAfter(closing)
	return named(ctx, b, doing, err)
}

// isLastResort says whether a BMC has failed so long that nothing else is left.
func isLastResort(r metal.BMCRecord, now time.Time) bool {
	return r.Failures >= resetAfter && now.Sub(r.ResetAt) >= resetAgain
}

// spared is the key under which a context forbids the last resort.
type spared struct{}

// sparing is for conversations after which a BMC may be away or odd for long,
// as while it writes firmware: a reset in the middle of that could be the end
// of it. It counts as one, so that for hours no other comes by itself.
func sparing(ctx context.Context) context.Context { return context.WithValue(ctx, spared{}, true) }

func isSparing(ctx context.Context) bool { return ctx.Value(spared{}) != nil }

// lastResort resets a BMC that keeps failing, and leaves it alone while it
// starts. One that does not even take a reset is tried again at its next rest.
func (d *Driver) lastResort(b metal.BMC, t *turn) (closing <-chan struct{}) {
	began := time.Now()
	closing, err := d.restart(b, t)
	d.observe(b, "cold reset", outcomeOf(t.ctx, err), time.Since(began))
	log := d.log().With("machine", b.Machine, "bmc", b.Address, "failures", t.record.Failures)
	if err != nil {
		log.WarnContext(t.ctx, "BMC keeps failing, and takes no cold reset", "error", err)
		return closing
	}
	log.WarnContext(t.ctx, "BMC kept failing: cold reset")
	t.record.RestsUntil = moment().Add(resetRest)
	return closing
}

// restart tells the BMC to start anew. From then on the declared way is what is
// tried first.
func (d *Driver) restart(b metal.BMC, t *turn) (closing <-chan struct{}, err error) {
	closing, err = d.either(b, t, restart)
	if err == nil {
		t.record.ResetAt = moment()
		t.record.Protocol, t.record.ProtocolAt = "", time.Time{}
	}
	return closing, err
}

// either does something over whichever protocol answers.
func (d *Driver) either(b metal.BMC, t *turn, do func(context.Context, session) error) (closing <-chan struct{}, err error) {
	way, other, two := t.ways(b)
	closing, err = d.converse(t.ctx, way, t, do)
	if err == nil || !two || closing != nil {
		return closing, err
	}
	closing, again := d.converse(t.ctx, other, t, do)
	if again != nil {
		return closing, overBoth(err, other, again)
	}
	return closing, nil
}

func restart(ctx context.Context, s session) error {
	r, ok := s.(restarter)
	if !ok {
		return fmt.Errorf("this session knows no cold reset: %w", metal.ErrUnsupported)
	}
	return r.restart(ctx)
}

// awaitRestart asks until the BMC answers. It takes its time before the first
// question: a BMC that was told to start anew answers for some seconds still.
func (d *Driver) awaitRestart(b metal.BMC, t *turn) (closing <-chan struct{}, err error) {
	deadline := time.Now().Add(resetLimit)
	for wait := d.settle(); ; wait = resetLook {
		if err := pause(t.ctx, wait); err != nil {
			return nil, err
		}
		closing, err = d.either(b, t, func(ctx context.Context, s session) error {
			_, err := d.readPower(ctx, s)
			return err
		})
		if outcomeOf(t.ctx, err) != OutcomeWeather {
			return closing, err
		}
		if time.Now().After(deadline) {
			return closing, fmt.Errorf("it does not answer %s after it was told to start anew; take its power away: %w", resetLimit, err)
		}
	}
}

// restart resets the manager. Graceful is what the schema offers to BMCs that
// are well; some have one of the two only.
func (s *redfishSession) restart(ctx context.Context) error {
	s.wire.use(ctx)
	var err error
	for _, kind := range []string{"ForceRestart", "GracefulRestart"} {
		if _, err = s.conn.BmcReset(ctx, kind); err == nil {
			return nil
		}
		if err = s.explain(err); !errors.Is(err, metal.ErrUnsupported) {
			return err
		}
	}
	return err
}

func (s *ipmiSession) restart(ctx context.Context) error {
	return s.paced(ctx, func(ctx context.Context) (bool, error) { return s.conn.BmcReset(ctx, "cold") })
}
