package frr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// settle finds out, from new sessions, what became of a change whose session
// was lost, and confirms it if it is in force. It gives up when the switch must
// have taken it back.
func (c *change) settle(ctx context.Context, lost error) (metal.Committed, error) {
	// The lost session's last step may hold the lock for its limit.
	settling, cancel := context.WithTimeout(ctx, c.driver.confirmTimeout()+c.driver.timeout())
	defer cancel()
	for {
		err := c.resume(settling)
		switch {
		case err == nil:
			return c.done, nil
		case errors.Is(err, errTakenBack), errors.Is(err, metal.ErrBadCredentials), errors.Is(err, metal.ErrFingerprint):
			return metal.Committed{}, fmt.Errorf("switch %s: %w (after: %v)", c.sw.ID, err, lost)
		}
		if !pause(settling, c.driver.pause()) {
			return metal.Committed{}, fmt.Errorf("switch %s: what became of the change was not seen: %w (after: %v)", c.sw.ID, err, lost)
		}
	}
}

// resume takes the lock before it looks. The lost session's steps held it, so
// whoever gets it knows that the last of them ended.
func (c *change) resume(ctx context.Context) error {
	s, err := c.driver.open(ctx, c.sw)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.lock(); err != nil {
		return err
	}
	seen, err := c.driver.compare(ctx, s, c.ports)
	if err != nil {
		return err
	}
	if len(seen.differing()) == 0 && len(seen.refused) == 0 {
		return s.confirm(c.token, c.comment)
	}
	if err := s.recover(); err != nil {
		return err
	}
	return errTakenBack
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
