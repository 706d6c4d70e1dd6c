package junos

import "slices"

// piece is a subtree of the configuration that belongs to one port, or to the
// site on this switch, and what it should be.
type piece struct {
	port string   // "" for what belongs to the site
	path []step   // from the configuration down to the piece's parent
	step step     // the piece itself
	want *element // nil: it must not be there
}

// step goes down to one element: by its tag, and by its <name> in a list.
type step struct{ tag, key string }

// find gives what the configuration has at the piece's place, or nil. What
// stands below a deactivated statement does nothing, and so is not there.
func (p piece) find(configuration *element) *element {
	at := configuration
	for _, s := range p.path {
		if at = s.in(at); at != nil && at.inactive {
			return nil
		}
	}
	return p.step.in(at)
}

func (s step) in(parent *element) *element {
	for _, c := range parent.all(s.tag) {
		if s.key == "" || c.key() == s.key {
			return c
		}
	}
	return nil
}

// made is an element for the step, with its key if it has one.
func (s step) made() *element {
	if s.key == "" {
		return bare(s.tag)
	}
	return branch(s.tag, leaf("name", s.key))
}

// asIntended compares the meaning, not the order or the form of addresses.
func (p piece) asIntended(configuration *element) bool {
	return p.find(configuration).canonical() == p.want.canonical()
}

// differing gives the pieces that are not as intended.
func differing(pieces []piece, configuration *element) []piece {
	return slices.DeleteFunc(slices.Clone(pieces), func(p piece) bool { return p.asIntended(configuration) })
}

// portNames lists whose pieces these are.
func portNames(pieces []piece) []string {
	var names []string
	for _, p := range pieces {
		if p.port != "" && !slices.Contains(names, p.port) {
			names = append(names, p.port)
		}
	}
	return names
}

// filterFor selects every piece's place, whether something is there or not.
func filterFor(pieces []piece) *element {
	configuration := bare("configuration")
	for _, p := range pieces {
		graft(configuration, p.path, p.step.made())
	}
	return configuration
}

// editFor replaces each piece as a whole, or deletes it. A delete of what is
// not there is an error in NETCONF 1.0, so before says what there is.
func editFor(pieces []piece, before *element) *element {
	configuration := bare("configuration")
	for _, p := range pieces {
		if p.want != nil {
			replacement := *p.want
			replacement.operation = "replace"
			graft(configuration, p.path, &replacement)
		} else if p.find(before) != nil {
			removal := p.step.made()
			removal.operation = "delete"
			graft(configuration, p.path, removal)
		}
	}
	return configuration
}

// graft hangs an element at the end of a path and makes the path on its way.
func graft(root *element, path []step, e *element) {
	at := root
	for _, s := range path {
		next := s.in(at)
		if next == nil {
			next = s.made()
			at.children = append(at.children, next)
		}
		at = next
	}
	at.children = append(at.children, e)
}
