package junos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"millwright/internal/metal"
)

var (
	// errNotInForce is a commit that the switch took and the running
	// configuration does not show: rolled back, or undone by somebody.
	errNotInForce = errors.New("not in force")
	// errNoWayIn is a commit after which no new session is answered.
	errNoWayIn = errors.New("management does not answer since the commit")
)

// activate commits, looks, and only then confirms.
func (c *change) activate(s *session) error {
	c.committing = true
	err := s.commitConfirmed(c.driver.commitTimeout(), c.driver.confirmTimeout())
	if errors.Is(err, metal.ErrConfigRefused) && s.lost == nil {
		return c.refuseAll(s, err)
	}
	if err != nil {
		c.committing = s.lost != nil // else it is an answer: somebody is in the way, and nothing was committed
		s.abandon()
		return err
	}
	return c.finish(s)
}

// refuseAll answers a refusal that came only with the commit itself. Whose
// fault it is could be found with more commits alone.
func (c *change) refuseAll(s *session, why error) error {
	s.abandon()
	c.committing = s.lost != nil
	for _, p := range c.accepted {
		c.refused[p] = why.Error()
	}
	c.accepted, c.diff = nil, ""
	if s.lost != nil {
		return s.lost
	}
	return c.confirmLeft(s)
}

// finish does what follows a confirmed commit that the switch answered: see
// that it is in force, that the switch can still be reached, and which filters
// are not in force, whose ports are shut by the commit that confirms.
func (c *change) finish(s *session) error {
	if err := c.inForce(s); err != nil {
		return err
	}
	if err := c.answers(s); err != nil {
		return c.takeBack(s, err)
	}
	if err := c.shutUnfiltered(s); err != nil {
		return err
	}
	if err := s.confirm(c.driver.commitTimeout(), c.comment); err != nil {
		return err
	}
	// A switch that rolled back a moment before takes the confirmation for a
	// commit of nothing.
	return c.inForce(s)
}

// inForce reads the running configuration back.
func (c *change) inForce(s *session) error {
	pieces := c.intended()
	running, err := s.read("running", filterFor(pieces))
	if err != nil {
		return err
	}
	if differ := differing(pieces, running); len(differ) > 0 {
		return fmt.Errorf("switch %s at %s: read back ports %s: %w",
			c.sw.ID, c.sw.Address, names(portNames(differ)), errNotInForce)
	}
	return nil
}

// intended is what holds after the commit: all that was asked for but what was
// refused, with the ports down that are shut.
func (c *change) intended() []piece {
	pieces := c.design.of(slices.DeleteFunc(c.design.names(), func(p metal.Port) bool {
		_, out := c.refused[p]
		return out && !slices.Contains(c.shut, p)
	}))
	for _, p := range c.shut {
		down := downPiece(p.Name, true)
		i := slices.IndexFunc(pieces, func(o piece) bool { return o.place() == down.place() })
		pieces[i] = down
	}
	return pieces
}

// answers opens a new session and has it answer, for as long as leaves the
// switch time to hear the confirmation: it may let nobody in for a moment,
// after many sessions (terraform-provider-junos #909).
func (c *change) answers(s *session) error {
	patient, cancel := context.WithTimeout(s.ctx, c.driver.confirmTimeout()/2)
	defer cancel()
	for {
		err := c.asks(patient)
		if err == nil || s.ctx.Err() != nil {
			return err
		}
		if !pause(patient, c.driver.pause()) {
			return fmt.Errorf("switch %s at %s: %w: %w", c.sw.ID, c.sw.Address, errNoWayIn, err)
		}
	}
}

func (c *change) asks(ctx context.Context) error {
	s, err := c.driver.open(ctx, c.sw)
	if err != nil {
		return err
	}
	defer s.close()
	_, err = s.read("running", branch("configuration", bare("version")))
	return err
}

// takeBack undoes the commit in the session that still has the switch's ear,
// rather than to leave the switch cut off until the commit times out.
func (c *change) takeBack(s *session, why error) error {
	for _, undo := range []func() error{
		func() error { return s.edit(restoring(c.intended(), c.before)) },
		func() error { return s.confirm(c.driver.commitTimeout(), "taken back: "+c.comment) },
	} {
		if err := undo(); err != nil {
			return fmt.Errorf("%w; unconfirmed, the switch takes it back within %s (to take it back at once: %v)",
				why, c.driver.confirmTimeout(), err)
		}
	}
	c.committing = false
	return fmt.Errorf("%w; taken back, the ports are as they were", why)
}

// restoring is the edit that leads from the pieces back to what there was.
func restoring(pieces []piece, before *element) *element {
	after := bare("configuration")
	back := make([]piece, 0, len(pieces))
	for _, p := range pieces {
		if p.want != nil {
			graft(after, p.path, p.want)
		}
		p.want = p.find(before)
		back = append(back, p)
	}
	return editFor(differing(back, after), after)
}

// shutUnfiltered takes down the interfaces of those ports whose filters the
// switch does not have in force, in the candidate: the confirmation commits it.
func (c *change) shutUnfiltered(s *session) error {
	if !s.speaksJunos() {
		return nil
	}
	installed, err := s.installed()
	if err != nil {
		return err
	}
	edit := bare("configuration")
	for _, r := range c.design.ports {
		name := r.missing(installed)
		if name == "" || !slices.Contains(c.accepted, r.intent.Port) {
			continue
		}
		c.shut = append(c.shut, r.intent.Port)
		c.refused[r.intent.Port] = fmt.Sprintf("filter %s is committed and not installed: port shut; see whether the switch has filter terms left", name)
		down := downPiece(r.intent.Port.Name, true)
		graft(edit, down.path, down.want)
	}
	if len(c.shut) == 0 {
		return nil
	}
	return s.edit(edit)
}

// missing is the first of the port's filters that is not among those.
func (r rendered) missing(installed map[string]bool) string {
	for _, p := range r.pieces {
		if p.step.tag == "filter" && p.want != nil && !installed[p.step.key] {
			return p.step.key
		}
	}
	return ""
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
