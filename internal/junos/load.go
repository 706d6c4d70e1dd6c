package junos

import (
	"errors"
	"slices"

	"millwright/internal/metal"
)

// load puts into the candidate what differs and what the switch takes of it.
// Which ports it does not take is found by halves, with an edit and a validate
// each and no commit: one bad port among 48 costs a dozen.
func (c *change) load(s *session) error {
	wanted := slices.DeleteFunc(c.design.differing(c.before), func(p metal.Port) bool {
		_, out := c.refused[p]
		return out
	})
	if len(wanted) == 0 {
		return nil
	}
	l := &loader{change: c, session: s}
	var err error
	if c.accepted, err = l.takes(nil, wanted); err != nil {
		return err
	}
	if err := l.reload(c.accepted); err != nil || len(c.accepted) == 0 {
		return err
	}
	c.diff, err = c.describe(s)
	return err
}

// describe is what is about to be committed, in the switch's words where it
// has some.
func (c *change) describe(s *session) (string, error) {
	if s.speaksJunos() {
		return s.compare()
	}
	return diff(c.design.of(c.accepted), c.before), nil
}

// loader tries sets of ports in the candidate.
type loader struct {
	*change
	*session
	loaded []metal.Port // what the candidate holds, where it holds what it should
	tried  bool         // and needs a discard before the next try
}

// takes gives the ports of the set that the switch takes beside the base.
func (l *loader) takes(base, set []metal.Port) ([]metal.Port, error) {
	why, err := l.try(slices.Concat(base, set))
	switch {
	case err != nil:
		return nil, err
	case why == nil:
		return set, nil
	case len(set) == 1:
		l.refused[set[0]] = why.Error()
		return nil, nil
	}
	first, err := l.takes(base, set[:len(set)/2])
	if err != nil {
		return nil, err
	}
	second, err := l.takes(slices.Concat(base, first), set[len(set)/2:])
	return slices.Concat(first, second), err
}

// reload brings the candidate to the set if it holds another.
func (l *loader) reload(set []metal.Port) error {
	if slices.Equal(l.loaded, set) {
		return nil
	}
	if len(set) == 0 {
		return l.discard()
	}
	why, err := l.try(set)
	return errors.Join(why, err)
}

// try puts the ports into the candidate, and has it checked. The switch's
// refusal comes apart from what keeps it from answering.
func (l *loader) try(set []metal.Port) (refusal, err error) {
	if l.tried {
		if err := l.discard(); err != nil {
			return nil, err
		}
	}
	l.tried, l.loaded = true, nil
	pieces := differing(l.design.of(set), l.before)
	err = l.edit(editFor(pieces, l.before))
	if err == nil {
		err = l.validate(l.driver.commitTimeout())
	}
	if errors.Is(err, metal.ErrConfigRefused) && l.lost == nil {
		return err, nil
	}
	if err == nil {
		l.loaded = set
	}
	return nil, err
}
