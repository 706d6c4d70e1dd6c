package bmc

import (
	"context"
	"errors"
	"sync"
)

// errYielded ends a console whose BMC has one session, which a command needs.
var errYielded = errors.New("console closed for a command: the BMC holds one session")

// yields lets commands go before consoles at BMCs that hold one session: a
// command waits until the console is closed, and a console until no command is
// left. As governors, it never forgets a BMC.
type yields struct {
	mu    sync.Mutex
	byKey map[string]*yield
}

type yield struct {
	commands  int                     // under way or waiting
	interrupt context.CancelCauseFunc // of the open console; nil if there is none
	changed   chan struct{}           // closed at each change, and made anew
}

// at is the state of one BMC; the mutex is held.
func (y *yields) at(key string) *yield {
	if y.byKey == nil {
		y.byKey = map[string]*yield{}
	}
	if y.byKey[key] == nil {
		y.byKey[key] = &yield{changed: make(chan struct{})}
	}
	return y.byKey[key]
}

// change changes one BMC's state and tells those who wait.
func (y *yields) change(key string, how func(*yield)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	at := y.at(key)
	how(at)
	close(at.changed)
	at.changed = make(chan struct{})
}

// await runs take, under the mutex, whenever something changed until it says yes.
func (y *yields) await(ctx context.Context, key string, take func(*yield) bool) error {
	for {
		y.mu.Lock()
		at := y.at(key)
		taken, changed := take(at), at.changed
		y.mu.Unlock()
		if taken {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// command closes the console and keeps it closed until done is called.
func (y *yields) command(ctx context.Context, key string) (done func(), err error) {
	y.change(key, func(at *yield) {
		at.commands++
		if at.interrupt != nil {
			at.interrupt(errYielded)
		}
	})
	done = func() { y.change(key, func(at *yield) { at.commands-- }) }
	if err := y.await(ctx, key, func(at *yield) bool { return at.interrupt == nil }); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// console waits until no command is under way, and answers with a context that
// ends when one comes.
func (y *yields) console(ctx context.Context, key string) (context.Context, func(), error) {
	open, interrupt := context.WithCancelCause(ctx)
	err := y.await(ctx, key, func(at *yield) bool {
		if at.commands > 0 || at.interrupt != nil {
			return false
		}
		at.interrupt = interrupt
		return true
	})
	if err != nil {
		interrupt(err)
		return nil, nil, err
	}
	return open, func() { interrupt(nil); y.change(key, func(at *yield) { at.interrupt = nil }) }, nil
}
