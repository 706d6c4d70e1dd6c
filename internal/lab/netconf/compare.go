package netconf

import (
	"slices"
	"strings"
)

// compare answers get-configuration with compare="rollback": what the
// candidate changes, as the CLI's "show | compare" says it.
func (s *Switch) compare() *node {
	s.mu.Lock()
	running, candidate := s.running, s.candidate
	s.mu.Unlock()
	var b strings.Builder
	patch(&b, nil, running, candidate)
	return branch("configuration-information", leaf("configuration-output", "\n"+b.String()))
}

// patch writes the differences of one hierarchy, and goes down into those that
// both sides have.
func patch(b *strings.Builder, path []string, was, is *node) {
	var own strings.Builder
	for _, c := range was.children {
		if i := slices.IndexFunc(is.children, func(o *node) bool { return twins(c, o) }); i < 0 {
			statement(&own, "-   ", "", c)
		}
	}
	for _, c := range is.children {
		if i := slices.IndexFunc(was.children, func(o *node) bool { return twins(c, o) }); i < 0 {
			statement(&own, "+   ", "", c)
		}
	}
	if own.Len() > 0 {
		b.WriteString(editPath(path...) + "\n" + own.String())
	}
	for _, c := range is.children {
		i := slices.IndexFunc(was.children, func(o *node) bool { return twins(c, o) })
		if i >= 0 && len(c.children) > 0 {
			patch(b, append(slices.Clip(path), named(c)), was.children[i], c)
		}
	}
}

// twins tells whether two siblings are one hierarchy, or one statement.
func twins(a, b *node) bool {
	return same(a, b) && (len(a.children) > 0) == (len(b.children) > 0) && a.text == b.text
}

// statement writes one with all below it.
func statement(b *strings.Builder, sign, indent string, n *node) {
	text := named(n)
	if n.text != "" {
		text += " " + quoted(n.text)
	}
	rest := slices.DeleteFunc(slices.Clone(n.children), func(c *node) bool { return c.name == "name" })
	switch {
	case n.name == secretTag:
		b.WriteString(sign + indent + text + "; ## SECRET-DATA\n")
	case len(rest) == 0:
		b.WriteString(sign + indent + text + ";\n")
	default:
		b.WriteString(sign + indent + text + " {\n")
		for _, c := range rest {
			statement(b, sign, indent+"    ", c)
		}
		b.WriteString(sign + indent + "}\n")
	}
}

func quoted(text string) string {
	if strings.ContainsAny(text, " $<>;") {
		return `"` + text + `"`
	}
	return text
}
