package bmc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

const (
	secondAfter = 3              // failures in a row of one way, before the other is tried
	secondFor   = 24 * time.Hour // then the declared way gets another chance
)

// attempt holds a conversation the way that works. If that keeps failing, the
// other way is tried within the same turn, and remembered if it works.
func (d *Driver) attempt(b metal.BMC, t *turn, do func(context.Context, session) error) (closing <-chan struct{}, err error) {
	t.forget(b)
	way, other, two := t.ways(b)
	closing, err = d.converse(t.ctx, way, t, do)
	if !two || closing != nil || !t.wantsOther(b, way, err) {
		return closing, err
	}
	closing, again := d.converse(t.ctx, other, t, do)
	if again != nil {
		return closing, overBoth(err, other, again)
	}
	if outcomeOf(t.ctx, err) == OutcomeWeather {
		t.record.Protocol, t.record.ProtocolAt = other.Protocol, moment()
		d.log().WarnContext(t.ctx, "BMC is asked over its other protocol", "machine", b.Machine, "bmc", other.Address, "protocol", other.Protocol, "error", err)
	}
	return closing, nil
}

// overBoth is the error of two ways. The first one's says what to do next, such
// as trying again; the second's is for people.
func overBoth(err error, other metal.BMC, again error) error {
	return fmt.Errorf("%w; over %s: %v", err, other.Protocol, again)
}

// wantsOther says whether an error of one way is a reason to try the other:
// failures in a row, or a verb that only the declared way has.
func (t *turn) wantsOther(b metal.BMC, way metal.BMC, err error) bool {
	switch outcomeOf(t.ctx, err) {
	case OutcomeWeather:
		return t.record.Failures+1 >= secondAfter
	case OutcomeRefused:
		return way.Protocol != b.Protocol && errors.Is(err, metal.ErrUnsupported)
	}
	return false
}

// ways are the BMC as it is asked first, and as it is asked then.
func (t *turn) ways(b metal.BMC) (way, other metal.BMC, two bool) {
	if b.Second.Protocol == "" || b.Second.Protocol == b.Protocol {
		return b, b, false
	}
	second := b
	second.Protocol, second.Address = b.Second.Protocol, b.Second.Address
	if t.record.Protocol == second.Protocol {
		return second, b, true
	}
	return b, second, true
}

// forget goes back to the declared way after a day, and when the record is of
// another declaration. Where nobody knows since when, the day begins.
func (t *turn) forget(b metal.BMC) {
	r := &t.record
	if r.Protocol != "" && r.ProtocolAt.IsZero() {
		r.ProtocolAt = moment()
	}
	if r.Protocol != b.Second.Protocol || time.Since(r.ProtocolAt) >= secondFor {
		r.Protocol, r.ProtocolAt = "", time.Time{}
	}
}
