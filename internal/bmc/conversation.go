package bmc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// closeLimit is what a session is given to be closed in. One that cannot be
// is left to the BMC's own timeout.
const closeLimit = 3 * time.Second

// during runs one conversation with a BMC: it waits for its turn, opens a
// session, and closes it whatever happened. Errors are named here, once.
func (d *Driver) during(ctx context.Context, b metal.BMC, doing string, do func(context.Context, session) error) error {
	at, err := endpointOf(b)
	if err == nil {
		err = d.converse(ctx, b, at, do)
	}
	if err == nil {
		return nil
	}
	// Whatever a cut connection says of itself, the caller knows why it was cut.
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("machine %s: BMC %s: %s: %w", b.Machine, b.Address, doing, err)
}

func (d *Driver) converse(ctx context.Context, b metal.BMC, at endpoint, do func(context.Context, session) error) error {
	done, err := d.turn(ctx, b, at)
	if err != nil {
		return err
	}
	s, err := d.logIn(ctx, b, at, done)
	if err != nil {
		return err
	}
	err = do(ctx, s)
	// A cancelled caller is let go at once. The session is still closed, and
	// the BMC is not anybody else's before it is.
	if ctx.Err() != nil {
		go d.hangUp(ctx, s, done)
		return err
	}
	d.hangUp(ctx, s, done)
	return err
}

// turn waits until the BMC is free for a command.
func (d *Driver) turn(ctx context.Context, b metal.BMC, at endpoint) (done func(), err error) {
	if b.Sessions != 1 {
		return d.busy.take(ctx, at.String())
	}
	resume, err := d.yields.command(ctx, at.String())
	if err != nil {
		return nil, fmt.Errorf("wait for its console to close: %w", err)
	}
	back := d.othersYield(ctx, b)
	release, err := d.busy.take(ctx, at.String())
	if err != nil {
		back()
		resume()
		return nil, err
	}
	return func() { release(); back(); resume() }, nil
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

// logIn opens a session, and gives the turn back if there is none. A log-in
// that is cut off may have made a session that nobody knows how to close, and a
// BMC has few: so that a cancelled caller is let go at once, but the log-in is
// given time to be answered, and then undone.
func (d *Driver) logIn(ctx context.Context, b metal.BMC, at endpoint, done func()) (session, error) {
	type outcome struct {
		session
		err error
	}
	answered := make(chan outcome, 1)
	go func() {
		patient, cancel := outlive(ctx, closeLimit)
		defer cancel()
		s, err := d.open(patient, b, at)
		answered <- outcome{s, err}
	}()
	select {
	case o := <-answered:
		if o.err != nil {
			done()
		}
		return o.session, o.err
	case <-ctx.Done():
	}
	go func() {
		if o := <-answered; o.err == nil {
			d.hangUp(ctx, o.session, done)
			return
		}
		done()
	}()
	return nil, context.Cause(ctx)
}

// outlive is a context that ends a while after its parent was cancelled.
func outlive(parent context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() { time.AfterFunc(while, cancel) })
	return ctx, func() { stop(); cancel() }
}

// hangUp closes a session, within its own time and not the caller's.
func (d *Driver) hangUp(ctx context.Context, s session, done func()) {
	defer done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	s.close(ctx)
}
