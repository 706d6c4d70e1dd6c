package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"millwright/internal/metal"
)

const (
	// patience ends before the attempt of the activity that waits does, or
	// nobody would hear who is in the way.
	patience = 4 * time.Minute
	// look is how often ports are looked at that another worker may be
	// committing, and the first pause before a lock is tried again.
	look = 250 * time.Millisecond
	// slowestKnock is the longest pause: Junos lets 150 NETCONF logins a minute
	// in, and who has a lock for a minute may have it for long.
	slowestKnock = 4 * time.Second
	// answerLimit bounds a question to the database.
	answerLimit = 10 * time.Second
)

// Committer brings ports of its worker's switches to what is intended. A switch
// takes seconds for a commit, however many ports are in it, and parallel ones
// collide: so whoever gets the lock of a switch commits all that is pending
// there, for other workers too, and everybody waits until the database says
// that the generation they want was read back, or refused.
type Committer struct {
	Store  PortStore
	Driver SwitchDriver
	Meter  *Meter // reads what ports counted so far; nil: nobody counts
	// Patience is how long to wait for what others must give: a lock that
	// somebody has, the database after a commit. Four minutes if zero.
	Patience time.Duration

	mu      sync.Mutex
	waiting map[metal.SwitchID][]*waiter // a key exists while its switch is being served
}

type waiter struct {
	ctx   context.Context // of the activity: who has left is not waited for
	want  metal.PortGeneration
	until time.Time  // when it would rather hear who has the lock
	done  chan error // buffered, for who has left
}

// NewCommitter returns a Committer that serves all switches of its worker.
func NewCommitter(store PortStore, driver SwitchDriver) *Committer {
	return &Committer{Store: store, Driver: driver, waiting: map[metal.SwitchID][]*waiter{}}
}

// Bring returns once each port has been read back as of the wanted generation,
// or a later one. Ports of several switches are brought side by side.
func (c *Committer) Bring(ctx context.Context, want []metal.PortGeneration) error {
	waiters := make([]*waiter, len(want))
	for i, w := range want {
		waiters[i] = &waiter{ctx: ctx, want: w, until: time.Now().Add(c.patience()), done: make(chan error, 1)}
		c.enqueue(waiters[i])
	}
	var all []error
	for _, w := range waiters {
		select {
		case err := <-w.done:
			all = append(all, err)
		case <-ctx.Done():
			return fmt.Errorf("port %s: waiting for its switch's commit: %w", w.want.Port, ctx.Err())
		}
	}
	return errors.Join(all...)
}

func (c *Committer) patience() time.Duration {
	if c.Patience > 0 {
		return c.Patience
	}
	return patience
}

func (c *Committer) enqueue(w *waiter) {
	id := w.want.Port.Switch
	c.mu.Lock()
	queue, served := c.waiting[id]
	c.waiting[id] = append(queue, w)
	c.mu.Unlock()
	if !served {
		go c.serve(context.WithoutCancel(w.ctx), id)
	}
}

// serve commits for everyone who waits for the switch, until nobody does.
func (c *Committer) serve(ctx context.Context, id metal.SwitchID) {
	var left []*waiter
	pause := look
	for {
		batch := c.next(id, left)
		if len(batch) == 0 {
			return
		}
		err := c.commit(ctx, id)
		var held lockHeld
		if left = c.answer(ctx, id, batch, err); !errors.As(err, &held) {
			pause = look
			continue
		}
		left = c.waitForLock(ctx, id, left, err, pause)
		pause = min(2*pause, slowestKnock)
	}
}

// next is who waits by now, with those who are left of the batch before. Where
// nobody does, the switch is no longer served.
func (c *Committer) next(id metal.SwitchID, left []*waiter) []*waiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := slices.DeleteFunc(append(left, c.waiting[id]...), func(w *waiter) bool { return w.ctx.Err() != nil })
	if c.waiting[id] = nil; len(batch) == 0 {
		delete(c.waiting, id)
	}
	return batch
}

// answer tells everyone in the batch how it went: by what the database says of
// their ports after our commit, or another worker's; else with what went wrong.
// Who waits for a lock is left, until they would rather know.
func (c *Committer) answer(ctx context.Context, id metal.SwitchID, batch []*waiter, err error) (left []*waiter) {
	batch, seen := c.settled(ctx, id, batch)
	if err == nil {
		err = seen
	}
	var held lockHeld
	locked := errors.As(err, &held)
	for _, w := range batch {
		if locked && time.Now().Before(w.until) {
			left = append(left, w)
		} else {
			w.done <- notBrought(w.want, err)
		}
	}
	return left
}

// waitForLock lets a pause pass before the lock is tried again, and answers
// meanwhile whom the commit of another worker has served.
func (c *Committer) waitForLock(ctx context.Context, id metal.SwitchID, left []*waiter, held error, pause time.Duration) []*waiter {
	for end := time.Now().Add(pause); len(left) > 0 && time.Now().Before(end) && wait(ctx, look); {
		left = c.answer(ctx, id, left, held)
	}
	return left
}

// lockHeld is how a driver says that somebody else has the lock of a switch:
// another worker, whose commit has our ports in it, or a person.
type lockHeld interface {
	error
	Holder() metal.LockHolder
}

// notBrought says why a port that was neither read back nor refused was not.
func notBrought(want metal.PortGeneration, err error) error {
	if err == nil { // committed, and changed again meanwhile by whoever has the machine now
		err = errors.New("its intent changed while it was committed")
	}
	return fmt.Errorf("port %s: not brought to generation %d: %w", want.Port, want.Generation, err)
}

// settled tells those whose port was read back or refused, and returns the rest.
func (c *Committer) settled(ctx context.Context, id metal.SwitchID, batch []*waiter) (left []*waiter, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	names := make([]string, len(batch))
	for i, w := range batch {
		names[i] = w.want.Port.Name
	}
	outcomes, err := c.Store.PortOutcomes(ctx, id, names)
	if err != nil {
		return batch, err
	}
	for _, w := range batch {
		switch o := outcomes[w.want.Port.Name]; {
		case o.Applied >= w.want.Generation:
			w.done <- nil
		case o.Refused >= w.want.Generation:
			w.done <- fmt.Errorf("port %s: %s: %w", w.want.Port, o.Why, metal.ErrConfigRefused)
		default:
			left = append(left, w)
		}
	}
	return left, nil
}
