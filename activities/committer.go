package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"millwright/internal/metal"
)

const (
	// commitLimit bounds one change of one switch. A commit takes minutes on a
	// large configuration; a confirmed one is rolled back after two.
	commitLimit = 5 * time.Minute
	// look is how often ports are looked at that another worker may be
	// committing.
	look = 250 * time.Millisecond
)

// Committer brings ports of its worker's switches to what is intended. A switch
// takes seconds for a commit, however many ports are in it, and parallel ones
// collide: so whoever gets the lock of a switch commits all that is pending
// there, for other workers too, and everybody waits until the database says
// that the generation they want was read back, or refused.
type Committer struct {
	Store  PortStore
	Driver SwitchDriver

	mu      sync.Mutex
	waiting map[metal.SwitchID][]*waiter // a key exists while its switch is being served
}

type waiter struct {
	want metal.PortGeneration
	done chan error // buffered: an activity that gave up is not waited for
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
		waiters[i] = &waiter{want: w, done: make(chan error, 1)}
		c.enqueue(ctx, waiters[i])
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

func (c *Committer) enqueue(ctx context.Context, w *waiter) {
	id := w.want.Port.Switch
	c.mu.Lock()
	queue, served := c.waiting[id]
	c.waiting[id] = append(queue, w)
	c.mu.Unlock()
	if !served {
		go c.serve(context.WithoutCancel(ctx), id)
	}
}

// serve commits for everyone who waits for the switch, until nobody does.
func (c *Committer) serve(ctx context.Context, id metal.SwitchID) {
	for {
		c.mu.Lock()
		batch := c.waiting[id]
		if len(batch) == 0 {
			delete(c.waiting, id)
			c.mu.Unlock()
			return
		}
		c.waiting[id] = nil
		c.mu.Unlock()
		c.serveBatch(ctx, id, batch)
	}
}

// serveBatch answers everyone in the batch: by what the database says of their
// ports after our commit, or another worker's; else with what went wrong.
func (c *Committer) serveBatch(ctx context.Context, id metal.SwitchID, batch []*waiter) {
	ctx, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	for {
		err := c.commit(ctx, id)
		left, seen := c.answer(ctx, id, batch)
		if len(left) == 0 {
			return
		}
		batch = left
		if err == nil {
			err = seen
		}
		var held lockHeld
		if !errors.As(err, &held) || !wait(ctx, look) {
			for _, w := range batch {
				w.done <- notBrought(w.want, err)
			}
			return
		}
	}
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

// answer tells those whose port was read back or refused, and returns the rest.
func (c *Committer) answer(ctx context.Context, id metal.SwitchID, batch []*waiter) (left []*waiter, err error) {
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

// commit takes the switch's lock, and commits what is pending by then.
func (c *Committer) commit(ctx context.Context, id metal.SwitchID) error {
	sw, err := c.Store.Switch(ctx, id)
	if err != nil {
		return err
	}
	var change metal.Change
	done, err := c.Driver.Apply(ctx, sw, func(ctx context.Context) (metal.Change, error) {
		var err error
		change, err = c.Store.PendingPorts(ctx, id)
		return change, err
	})
	if err != nil {
		return err
	}
	return c.Store.PortsCommitted(ctx, id, change, done)
}

// wait lets a moment pass; false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
