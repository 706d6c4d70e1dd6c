package junos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// errNotInForce is a commit that the switch took and the running configuration
// does not show: rolled back, or undone by somebody.
var errNotInForce = errors.New("not in force")

// change is one commit on its way.
type change struct {
	driver  *Driver
	sw      metal.Switch
	pieces  []piece
	comment string

	committing bool // a commit was sent: what a lost session leaves is unknown
}

// run does the whole change in one session.
func (c *change) run(s *session) error {
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.discard(); err != nil { // leftovers of whoever had the lock before
		return err
	}
	before, err := s.read("candidate", filterFor(c.pieces))
	if err != nil {
		return err
	}
	differ := differing(c.pieces, before)
	if len(differ) == 0 {
		return c.confirmLeft(s)
	}
	if err := c.load(s, editFor(differ, before)); err != nil {
		s.abandon()
		return err
	}
	return c.activate(s)
}

// confirmLeft confirms what an earlier call committed and did not live to
// confirm: to call that applied would let the switch take it back in a minute.
func (c *change) confirmLeft(s *session) error {
	pending, err := s.unconfirmed()
	if err != nil || !pending {
		return err
	}
	c.committing = true
	return c.confirm(s)
}

// load puts the change into the candidate and has it checked.
func (c *change) load(s *session, edit *element) error {
	if err := s.edit(edit); err != nil {
		return err
	}
	return s.validate(c.driver.commitTimeout())
}

// activate commits, looks, and only then confirms.
func (c *change) activate(s *session) error {
	c.committing = true
	if err := s.commitConfirmed(c.driver.commitTimeout(), c.driver.confirmTimeout()); err != nil {
		s.abandon()
		return err
	}
	if err := c.inForce(s); err != nil {
		return err
	}
	return c.confirm(s)
}

// confirm makes the commit stay, and looks again: a switch that rolled back a
// moment before takes the confirmation for a commit of nothing.
func (c *change) confirm(s *session) error {
	if err := s.confirm(c.driver.commitTimeout(), c.comment); err != nil {
		return err
	}
	return c.inForce(s)
}

// inForce reads the running configuration back.
func (c *change) inForce(s *session) error {
	running, err := s.read("running", filterFor(c.pieces))
	if err != nil {
		return err
	}
	if differ := differing(c.pieces, running); len(differ) > 0 {
		return fmt.Errorf("switch %s at %s: read back ports %s: %w",
			c.sw.ID, c.sw.Address, names(portNames(differ)), errNotInForce)
	}
	return nil
}

// settle finds out, from new sessions, what became of a commit whose session
// was lost, and confirms it if it is in force. It gives up when the switch has
// rolled back, or must have.
func (c *change) settle(ctx context.Context, lost error) error {
	settling, cancel := context.WithTimeout(ctx, c.driver.confirmTimeout())
	defer cancel()
	for {
		err := c.resume(settling)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errNotInForce):
			return fmt.Errorf("switch %s: commit taken back, nothing applied: %w (after: %v)", c.sw.ID, err, lost)
		case errors.Is(err, metal.ErrBadCredentials), errors.Is(err, metal.ErrFingerprint), errors.Is(err, metal.ErrConfigRefused):
			return fmt.Errorf("%w (after: %v)", err, lost)
		}
		if !pause(settling, c.driver.pause()) {
			return fmt.Errorf("switch %s: whether the commit is in force was not seen before its rollback was due: %w (after: %v)",
				c.sw.ID, err, lost)
		}
	}
}

// resume takes the lock before it looks. The lost session held it, so whoever
// gets it knows that the switch is done with that session, commit and all.
func (c *change) resume(ctx context.Context) error {
	s, err := c.driver.open(ctx, c.sw)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	if err := c.inForce(s); err != nil {
		return err
	}
	return c.confirm(s)
}

// pause lets a moment pass; false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
