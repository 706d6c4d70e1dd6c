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
// session, and closes it whatever happened. Errors are named here, once. It may
// be run twice, over one protocol and then over the other, so that do must not
// take the session to be of one kind.
func (d *Driver) during(ctx context.Context, b metal.BMC, doing string, do func(context.Context, session) error) error {
	at, err := endpointOf(b)
	if err == nil {
		err = d.govern(ctx, b, at, doing, do)
	}
	return named(ctx, b, doing, err)
}

func named(ctx context.Context, b metal.BMC, doing string, err error) error {
	if err == nil {
		return nil
	}
	// Whatever a cut connection says of itself, the caller knows why it was cut.
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("machine %s: BMC %s: %s: %w", b.Machine, b.Address, doing, err)
}

// converse logs in, does, and logs out, in the turn of the caller. A cancelled
// caller is let go at once; the session is still closed, and the BMC is not
// anybody else's before it is: closing, where it is not nil, ends then.
func (d *Driver) converse(ctx context.Context, b metal.BMC, t *turn, do func(context.Context, session) error) (closing <-chan struct{}, err error) {
	at, err := endpointOf(b)
	if err != nil {
		return nil, err
	}
	s, closing, err := d.logIn(ctx, b, at, t)
	if err != nil {
		return closing, err
	}
	err = do(ctx, s)
	if ctx.Err() == nil {
		d.hangUp(ctx, s, t)
		return nil, err
	}
	return later(func() { d.hangUp(ctx, s, t) }), err
}

// later does something beside, and tells when it is done.
func later(do func()) <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	return done
}

// logIn opens a session. A log-in that is cut off may have made a session that
// nobody knows how to close, and a BMC has few: so that a cancelled caller is
// let go at once, but the log-in is given time to be answered, and then undone.
func (d *Driver) logIn(ctx context.Context, b metal.BMC, at endpoint, t *turn) (s session, closing <-chan struct{}, err error) {
	var opened struct {
		session
		err error
	}
	answered := later(func() {
		patient, cancel := outlive(ctx, t.goodbye())
		defer cancel()
		opened.session, opened.err = d.open(patient, b, at, &t.pace)
	})
	select {
	case <-answered:
		return opened.session, nil, opened.err
	case <-ctx.Done():
	}
	return nil, later(func() {
		<-answered
		if opened.err == nil {
			d.hangUp(ctx, opened.session, t)
		}
	}), context.Cause(ctx)
}

// outlive is a context that ends a while after its parent was cancelled.
func outlive(parent context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() { time.AfterFunc(while, cancel) })
	return ctx, func() { stop(); cancel() }
}

// hangUp closes a session, within its own time and not the caller's.
func (d *Driver) hangUp(ctx context.Context, s session, t *turn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.goodbye())
	defer cancel()
	s.close(ctx)
}

// goodbye is what a log-out is given, the wait for its place included.
func (t *turn) goodbye() time.Duration { return closeLimit + 2*t.pace.gap }
