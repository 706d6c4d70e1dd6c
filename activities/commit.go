package activities

import (
	"context"
	"time"

	"millwright/internal/metal"
)

// commitLimit bounds one change of one switch. A commit takes minutes on a
// large configuration; a confirmed one is rolled back after two.
const commitLimit = 5 * time.Minute

// commit takes the switch's lock, and commits what is pending by then.
func (c *Committer) commit(ctx context.Context, id metal.SwitchID) error {
	ctx, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
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
	if err := c.note(ctx, id, change, done); err != nil {
		return err
	}
	c.Meter.glance(ctx, sw)
	return nil
}

// note writes what became of the change. It insists: a later commit would find
// the ports as intended, and nobody but this call knows what changed them.
func (c *Committer) note(ctx context.Context, id metal.SwitchID, change metal.Change, done metal.Committed) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	for {
		err := c.Store.PortsCommitted(ctx, id, change, done)
		if err == nil || !wait(ctx, look) {
			return err
		}
	}
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
