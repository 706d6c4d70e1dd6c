package junos

import (
	"slices"
	"strings"
)

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

// place is where the piece stands, as a line of "set" would say it.
func (p piece) place() string {
	var b strings.Builder
	for _, s := range append(p.path[:len(p.path):len(p.path)], p.step) {
		b.WriteString(s.tag + " ")
		if s.key != "" {
			b.WriteString(s.key + " ")
		}
	}
	return strings.TrimSpace(b.String())
}

// find gives what the configuration has at the piece's place, or nil. What
// stands below a deactivated statement does nothing, and so is not there.
func (p piece) find(configuration *element) *element {
	return p.step.in(descend(configuration, p.path))
}

// descend goes down a path; nil where it ends early or is deactivated.
func descend(configuration *element, path []step) *element {
	at := configuration
	for _, s := range path {
		if at = s.in(at); at != nil && at.inactive {
			return nil
		}
	}
	return at
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

// asIntended compares the meaning, not the order or the form of addresses and
// keys.
func (p piece) asIntended(configuration *element) bool {
	have := p.find(configuration)
	return have.canonical() == unreadable(p.want, have).canonical()
}

// unreadable gives what is wanted with the key that is there, where that is
// enciphered with a password of the switch: whether it is the right one nobody
// can see, and to write it again at every look would never end.
func unreadable(want, have *element) *element {
	there := have.child(keyTag)
	if want.child(keyTag) == nil || !strings.HasPrefix(there.value(), enciphered) {
		return want
	}
	same := *want
	same.children = slices.Clone(want.children)
	for i, c := range same.children {
		if c.name == keyTag {
			same.children[i] = there
		}
	}
	return &same
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
		if p.step.tag != "route" {
			graft(configuration, p.path, p.step.made())
		}
	}
	// All static routes: whose one is only its next hop tells.
	for _, f := range []family{inet, inet6} {
		path := f.rib()
		graft(configuration, path[:len(path)-1], bare("static"))
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
