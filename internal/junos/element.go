package junos

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

const (
	netconfNamespace = "urn:ietf:params:xml:ns:netconf:base:1.0"
	// maxDepth bounds recursion over what a switch sends; Junos configuration
	// is some fifteen levels deep.
	maxDepth = 200
)

// element is one XML element by its local name: Junos writes namespaces that
// differ by release (and by rfc-compliant), and none of them tells two of its
// statements apart.
type element struct {
	name      string
	text      string
	operation string // of an edit
	messageID string // of an rpc-reply
	inactive  bool   // deactivated by somebody on the switch: it stands there, and does nothing
	seconds   string // Junos's own count of a time or a duration that the text says for people
	asked     string // attributes of one of Junos's own operations
	children  []*element
}

// parse reads one document, the way a switch may send it.
func parse(document []byte) (*element, error) {
	decoder := xml.NewDecoder(strings.NewReader(string(document)))
	top := &element{}
	open := []*element{top}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if open = grow(open, token); len(open) > maxDepth {
			return nil, fmt.Errorf("nested deeper than %d elements", maxDepth)
		}
	}
	if len(top.children) != 1 {
		return nil, fmt.Errorf("%d root elements, want one", len(top.children))
	}
	return top.children[0], nil
}

// grow adds one token to the innermost open element. Junos puts a person's
// annotations among the statements, as <junos:comment>: they are no statement.
func grow(open []*element, token xml.Token) []*element {
	inner := open[len(open)-1]
	switch token := token.(type) {
	case xml.StartElement:
		child := &element{name: token.Name.Local}
		for _, a := range token.Attr {
			child.attribute(a)
		}
		if token.Name.Local != "comment" || !strings.HasSuffix(token.Name.Space, "junos") {
			inner.children = append(inner.children, child)
		}
		return append(open, child)
	case xml.CharData:
		inner.text = strings.TrimSpace(inner.text + string(token))
	case xml.EndElement:
		return open[:len(open)-1]
	}
	return open
}

func (e *element) attribute(a xml.Attr) {
	switch a.Name.Local {
	case "inactive":
		e.inactive = true
	case "message-id":
		e.messageID = a.Value
	case "seconds":
		e.seconds = a.Value
	}
}

// branch makes an element with children, and leaf one with text or nothing.
func branch(name string, children ...*element) *element {
	return &element{name: name, children: children}
}

func leaf(name, text string) *element { return &element{name: name, text: text} }

// bare is a statement that says all by being there.
func bare(name string) *element { return &element{name: name} }

// child is the first child of that name, or nil.
func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// all gives every child of that name.
func (e *element) all(name string) []*element {
	if e == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.children), func(c *element) bool { return c.name != name })
}

// at walks down a path of names; nil where it ends early.
func (e *element) at(path ...string) *element {
	for _, name := range path {
		e = e.child(name)
	}
	return e
}

// value is the text, and "" of an element that is not there.
func (e *element) value() string {
	if e == nil {
		return ""
	}
	return e.text
}

// key is what tells list entries apart: the text of their <name>.
func (e *element) key() string { return e.child("name").value() }

// String is the element as XML, everything escaped. The operation carries its
// namespace as RFC 6241 section 7.2 wants it.
func (e *element) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *element) write(b *strings.Builder) {
	b.WriteString("<" + e.name + e.asked)
	if e.operation != "" {
		b.WriteString(` xmlns:nc="` + netconfNamespace + `" nc:operation="` + e.operation + `"`)
	}
	if e.text == "" && len(e.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">" + escape(e.text))
	for _, c := range e.children {
		c.write(b)
	}
	b.WriteString("</" + e.name + ">")
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes every write
	return b.String()
}

// canonical is the element as a text that equals another's if they configure
// the same. Junos orders most lists by itself; only the terms of a filter mean
// something by their order. It may also write an address in another form.
func (e *element) canonical() string {
	if e == nil {
		return ""
	}
	children := make([]string, len(e.children))
	terms := 0
	for i, c := range e.children {
		children[i] = c.canonical()
		if c.name == "term" {
			children[i] = fmt.Sprintf("%06d %s", terms, children[i])
			terms++
		}
	}
	slices.Sort(children)
	text := plain(e.text)
	if e.name == keyTag {
		text = revealed(e.text)
	}
	return fmt.Sprintf("%s %q %t {%s}", e.name, text, e.inactive, strings.Join(children, ";"))
}

// plain writes addresses and prefixes in one form only.
func plain(text string) string {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.String()
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a.String()
	}
	return text
}
