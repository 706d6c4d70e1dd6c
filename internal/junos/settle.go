package junos

import (
	"context"
	"errors"
	"fmt"

	"millwright/internal/metal"
)

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
	if err := s.discard(); err != nil {
		return err
	}
	if err := c.found(s); err != nil {
		return err
	}
	if err := s.confirm(c.driver.commitTimeout(), c.comment); err != nil {
		return err
	}
	return c.inForce(s)
}

// found sees whether the commit is in force. The session may have been lost
// before or after the ports without a filter were shut.
func (c *change) found(s *session) error {
	err := c.inForce(s)
	if len(c.shut) > 0 {
		if !errors.Is(err, errNotInForce) {
			return err
		}
		c.shut = nil
		err = c.inForce(s)
	}
	if err != nil {
		return err
	}
	return c.shutUnfiltered(s)
}
