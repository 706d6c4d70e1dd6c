package netconf

// sift is RFC 6241 section 6, subtree filtering: the part of n that f selects,
// or nil. An empty element selects all below it; a leaf with text must match;
// an element that holds nothing but matches selects its whole entry.
func sift(f, n *node) *node {
	if len(f.children) == 0 {
		if f.text != "" && f.text != n.text {
			return nil
		}
		return n
	}
	kept := &node{name: n.name, text: n.text}
	onlyMatches := true
	for _, want := range f.children {
		if want.text == "" {
			onlyMatches = false
		} else if !n.holds(want) {
			return nil
		}
	}
	if onlyMatches {
		return n
	}
	for _, c := range n.children {
		if part := siftChild(f, c); part != nil {
			kept.children = append(kept.children, part)
		}
	}
	if len(kept.children) == 0 {
		return nil
	}
	return kept
}

// siftChild gives what the first matching child of f selects of c.
func siftChild(f, c *node) *node {
	for _, want := range f.children {
		if want.name != c.name {
			continue
		}
		if part := sift(want, c); part != nil {
			return part
		}
	}
	return nil
}

// holds tells whether n has a leaf like want.
func (n *node) holds(want *node) bool {
	for _, c := range n.children {
		if c.name == want.name && c.text == want.text && len(c.children) == 0 {
			return true
		}
	}
	return false
}
