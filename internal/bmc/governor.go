package bmc

import (
	"context"
	"errors"
	"time"

	"millwright/internal/metal"
)

// How a conversation ended, as Observe is told.
const (
	OutcomeOK      = "ok"
	OutcomeWeather = "weather" // the BMC failed; a retry may mend it
	OutcomeRefused = "refused" // it answered, and no retry mends what it said
	OutcomeResting = "resting" // it was not asked: see Resting
	OutcomeVoid    = "void"    // it says nothing of the BMC: the caller left, or there was no credential
)

// Outcomes are all of them.
var Outcomes = []string{OutcomeOK, OutcomeWeather, OutcomeRefused, OutcomeResting, OutcomeVoid}

// lastErrorLimit is what is kept of an error: a sentence or two.
const lastErrorLimit = 300

// govern runs one conversation as the BMC's record says: not while it rests,
// over the protocol that works, and at its pace. What came of it goes into the
// record.
func (d *Driver) govern(ctx context.Context, b metal.BMC, at endpoint, verb string, do func(context.Context, session) error) error {
	// Those who wait for their turn find out there; this spares them the wait.
	if err := rests(*d.governors.of(at).known.Load(), time.Now()); err != nil {
		d.observe(b, verb, OutcomeResting, 0)
		return err
	}
	t, err := d.turn(ctx, b, at)
	if err != nil {
		return err
	}
	if err := rests(t.record, time.Now()); err != nil {
		t.end()
		d.observe(b, verb, OutcomeResting, 0)
		return err
	}
	if isSparing(ctx) {
		t.record.ResetAt = moment()
	}
	began := time.Now()
	closing, err := d.attempt(b, t, do)
	outcome := outcomeOf(t.ctx, err)
	t.learn(outcome, err)
	d.observe(b, verb, outcome, time.Since(began))
	if outcome == OutcomeWeather && isLastResort(t.record, time.Now()) {
		closing = d.lastResort(b, t)
	}
	if ctx.Err() == nil && t.ctx.Err() != nil {
		err = context.Cause(t.ctx)
	}
	t.endAfter(closing)
	return err
}

// outcomeOf says whose failure an error is. A caller whose time is up learns
// nothing of the BMC: the time may have been short.
func outcomeOf(ctx context.Context, err error) string {
	var none blameless
	switch {
	case err == nil:
		return OutcomeOK
	case ctx.Err() != nil, errors.As(err, &none):
		return OutcomeVoid
	case permanent(err):
		return OutcomeRefused
	}
	return OutcomeWeather
}

// learn writes what came of a conversation into the record. What was refused
// was answered, and counts neither way: a BMC is no more reliable for knowing
// its passwords.
func (t *turn) learn(outcome string, err error) {
	now := moment()
	r := &t.record
	switch outcome {
	case OutcomeOK:
		r.Failures, r.RestsUntil, r.LastOK = 0, time.Time{}, now
		r.Score = scored(r.Score, false)
		t.quicken()
	case OutcomeWeather:
		if t.froze(err, now) {
			r.Gap, t.good = slower(r.Gap), 0
		}
		r.Failures++
		r.Score = scored(r.Score, true)
		r.LastError = clean(err.Error(), lastErrorLimit)
		if rest := restAfter(r.Failures); rest > 0 {
			r.RestsUntil = now.Add(rest)
		}
	}
}

// froze says whether a BMC fell silent that had spoken just before. One that is
// away for long says nothing of how it wants to be asked.
func (t *turn) froze(err error, now time.Time) bool {
	return errors.Is(err, errSilent) && (t.pace.heard.Load() || now.Sub(t.record.LastOK) < time.Minute)
}

// quicken shortens a learnt gap after many good conversations.
func (t *turn) quicken() {
	if t.record.Gap == 0 {
		return
	}
	if t.good++; t.good >= gapPatient {
		t.record.Gap, t.good = shorter(t.record.Gap), 0
	}
}

// endAfter ends the turn once the session is closed.
func (t *turn) endAfter(closing <-chan struct{}) {
	if closing == nil {
		t.end()
		return
	}
	go func() { <-closing; t.end() }()
}

func (d *Driver) observe(b metal.BMC, verb, outcome string, took time.Duration) {
	if d.Observe != nil {
		d.Observe(b, verb, outcome, took)
	}
}

// moment is now, as precisely as databases keep it.
func moment() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
