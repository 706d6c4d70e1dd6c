package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"millwright/internal/metal"
)

// commitLimit bounds one commit of one switch. A commit takes minutes on a
// large configuration; a confirmed one is rolled back after two.
const commitLimit = 5 * time.Minute

// SwitchDriver speaks to one vendor's switches.
type SwitchDriver interface {
	// Commit brings ports to what they should be in one confirmed commit, and
	// reads them back; it changes nothing where they are so already.
	Commit(ctx context.Context, sw metal.Switch, ports []metal.PortIntent, comment string) error
}

// Committer gathers the ports that wait for one switch into one commit at a
// time: a switch takes seconds for a commit, however many ports are in it, and
// parallel ones collide. Other workers meet at the switch's own candidate lock.
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

// Bring returns once the port has been read back as of the wanted generation.
func (c *Committer) Bring(ctx context.Context, want metal.PortGeneration) error {
	w := &waiter{want: want, done: make(chan error, 1)}
	c.mu.Lock()
	queue, served := c.waiting[want.Port.Switch]
	c.waiting[want.Port.Switch] = append(queue, w)
	c.mu.Unlock()
	if !served {
		go c.serve(context.WithoutCancel(ctx), want.Port.Switch)
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("port %s: waiting for its switch's commit: %w", want.Port, ctx.Err())
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

// serveBatch tries all ports in one commit. Where the switch refuses that, each
// is tried alone, so that one port's bad change fails one run.
func (c *Committer) serveBatch(ctx context.Context, id metal.SwitchID, batch []*waiter) {
	err := c.commit(ctx, id, batch)
	if len(batch) == 1 || !errors.Is(err, metal.ErrConfigRefused) {
		for _, w := range batch {
			w.done <- err
		}
		return
	}
	for _, w := range batch {
		w.done <- c.commit(ctx, id, []*waiter{w})
	}
}

func (c *Committer) commit(ctx context.Context, id metal.SwitchID, batch []*waiter) error {
	ctx, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	names := make([]string, len(batch))
	for i, w := range batch {
		names[i] = w.want.Port.Name
	}
	sw, intents, err := c.Store.PortIntents(ctx, id, names)
	if err != nil {
		return err
	}
	comment := fmt.Sprintf("millwright: %d ports", len(intents))
	if len(intents) == 1 {
		comment = fmt.Sprintf("millwright: %s %s %s", intents[0].Port, intents[0].Profile, intents[0].Device)
	}
	if err := c.Driver.Commit(ctx, sw, intents, comment); err != nil {
		return err
	}
	return c.Store.PortsApplied(ctx, intents)
}
