package junos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"millwright/internal/metal"
)

// change is one commit on its way.
type change struct {
	driver  *Driver
	sw      metal.Switch
	design  design
	before  *element // the candidate without anybody's changes
	comment string

	accepted   []metal.Port          // differ, and the switch takes them
	refused    map[metal.Port]string // why, in the words of whoever refused
	shut       []metal.Port          // accepted, and without a filter in force
	diff       string
	committing bool // a commit was sent, and neither refused nor taken back: an error says nothing of it
}

// Apply commits all that is pending for a switch. It asks for that only once it
// has the candidate's lock, so whoever gets the lock commits what everybody
// waits for, and of two callers the second has nothing left to do.
//
// The change is one confirmed commit, read back, and confirmed once a new
// session was answered: a change may cut the way to the switch. A port whose
// change the switch refuses, or our own checks, is left as it was and out of the
// commit; a port whose filter is not in force after the commit is shut. Where
// Apply answers without an error, all other ports are as intended, and stay so.
//
// An error says that the ports are as they were, or will be when the switch
// takes an unconfirmed commit back, or that nobody could see. Errors that wrap
// a sentinel of metal are final; *LockHeld and whatever else is weather, and
// Apply is safe to repeat.
func (d *Driver) Apply(
	ctx context.Context, sw metal.Switch, pending func(context.Context) (metal.Change, error),
) (metal.Committed, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return metal.Committed{}, err
	}
	c := &change{driver: d, sw: sw, refused: map[metal.Port]string{}}
	err = c.run(ctx, s, pending)
	s.close()
	if err != nil && c.committing && !errors.Is(err, errNotInForce) {
		err = c.settle(ctx, err)
	}
	if err != nil {
		return metal.Committed{}, err
	}
	return c.committed(), nil
}

// run does the whole change in one session.
func (c *change) run(ctx context.Context, s *session, pending func(context.Context) (metal.Change, error)) error {
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.discard(); err != nil { // leftovers of whoever had the lock before
		return err
	}
	asked, err := pending(ctx)
	if err != nil {
		return fmt.Errorf("switch %s: ask what is pending: %w", c.sw.ID, err)
	}
	c.comment = asked.Comment
	if err := c.prepare(ctx, s, asked.Ports); err != nil {
		return err
	}
	if err := c.load(s); err != nil {
		s.abandon()
		return err
	}
	if len(c.accepted) == 0 {
		return c.confirmLeft(s)
	}
	return c.activate(s)
}

// prepare renders the change and compares it with the candidate.
func (c *change) prepare(ctx context.Context, s *session, ports []metal.PortIntent) error {
	keys, err := c.driver.keys(ctx, ports)
	if err != nil {
		return err
	}
	s.secrets = keys.secrets()
	c.design = render(c.sw, ports, keys)
	for port, why := range c.design.refused {
		c.refused[port] = redacted(why.Error(), s.secrets)
	}
	if c.before, err = c.design.look(s, "candidate"); err != nil {
		return err
	}
	c.design.adopt(c.before)
	return c.makeRoom(s)
}

// look reads all that the design is about.
func (d design) look(s *session, datastore string) (*element, error) {
	filter := filterFor(d.of(d.names()))
	if slices.ContainsFunc(d.ports, func(r rendered) bool { return len(r.intent.Members) > 0 }) {
		// Whoever else is in a bundle only all interfaces tell.
		filter.children = slices.DeleteFunc(filter.children, func(e *element) bool { return e.name == "interfaces" })
		filter.children = append(filter.children, bare("interfaces"))
	}
	return s.read(datastore, filter)
}

// makeRoom refuses the ports whose filters the switch's hardware would not
// take: it would say nothing, and leave the port without one.
func (c *change) makeRoom(s *session) error {
	if c.sw.FilterTerms <= 0 {
		return nil
	}
	there, err := s.read("candidate", everyFilter())
	if err != nil {
		return err
	}
	for port, why := range c.design.withoutRoom(c.sw.FilterTerms, managedTerms(there)) {
		c.refused[port] = why.Error()
	}
	return nil
}

// confirmLeft confirms what an earlier call committed and did not live to
// confirm: to call that applied would let the switch take it back in a minute.
func (c *change) confirmLeft(s *session) error {
	pending, err := s.unconfirmed()
	if err != nil || !pending {
		return err
	}
	c.committing = true
	if err := c.answers(s); err != nil {
		return err
	}
	return s.confirm(c.driver.commitTimeout(), c.comment)
}

// committed is Apply's answer.
func (c *change) committed() metal.Committed {
	done := metal.Committed{Refused: c.refused, Diff: c.diff}
	for _, p := range c.accepted {
		if !slices.Contains(c.shut, p) {
			done.Changed = append(done.Changed, p)
		}
	}
	return done
}
