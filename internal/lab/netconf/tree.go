package netconf

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	baseNamespace = "urn:ietf:params:xml:ns:netconf:base:1.0"
	// maxDepth bounds what a hostile or broken client can make this process
	// recurse into; Junos configuration is some fifteen levels deep.
	maxDepth = 100
)

// node is one XML element by its local name. Namespaces are dropped, as Junos
// itself drops them; of the attributes only those that NETCONF gives a meaning
// are kept.
type node struct {
	name      string
	text      string
	operation string // of an edit: merge, replace, create, delete, remove
	messageID string // of an rpc
	seconds   string // of a time in a reply: the same, counted
	children  []*node
}

// branch makes an element with children.
func branch(name string, children ...*node) *node { return &node{name: name, children: children} }

// leaf makes an element with text, or an empty one.
func leaf(name, text string) *node { return &node{name: name, text: text} }

// parse reads one document.
func parse(document []byte) (*node, error) {
	decoder := xml.NewDecoder(strings.NewReader(string(document)))
	top := &node{}
	open := []*node{top}
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

// grow adds one token to the innermost open element.
func grow(open []*node, token xml.Token) []*node {
	inner := open[len(open)-1]
	switch token := token.(type) {
	case xml.StartElement:
		child := &node{name: token.Name.Local}
		child.read(token.Attr)
		inner.children = append(inner.children, child)
		return append(open, child)
	case xml.CharData:
		inner.text = strings.TrimSpace(inner.text + string(token))
	case xml.EndElement:
		return open[:len(open)-1]
	}
	return open
}

// read keeps the attributes that mean something. Junos takes the operation
// with NETCONF's namespace, as RFC 6241 writes it, and without.
func (n *node) read(attributes []xml.Attr) {
	for _, a := range attributes {
		switch {
		case a.Name.Local == "operation" && (a.Name.Space == "" || a.Name.Space == baseNamespace):
			n.operation = a.Value
		case a.Name.Local == "message-id":
			n.messageID = a.Value
		}
	}
}

// write prints the element without white space between tags.
func (n *node) write(b *strings.Builder) {
	b.WriteString("<" + n.name)
	if n.seconds != "" {
		b.WriteString(` xmlns:junos="http://xml.juniper.net/junos/24.4R1/junos" junos:seconds="` + n.seconds + `"`)
	}
	if n.text == "" && len(n.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">" + escape(n.text))
	for _, c := range n.children {
		c.write(b)
	}
	b.WriteString("</" + n.name + ">")
}

// String is the element as XML.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

// escape makes text safe inside an element.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes every write
	return b.String()
}

// clone is a deep copy that carries no edit operations.
func (n *node) clone() *node {
	c := &node{name: n.name, text: n.text, children: make([]*node, len(n.children))}
	for i, child := range n.children {
		c.children[i] = child.clone()
	}
	return c
}

// child is the first child of that name, or nil.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// at walks down a path of names; nil where it ends early.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		n = n.child(name)
	}
	return n
}

// all gives every child of that name.
func (n *node) all(name string) []*node {
	if n == nil {
		return nil
	}
	var found []*node
	for _, c := range n.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// key is the text of the <name> that tells list entries apart; "" for what is
// no list entry.
func (n *node) key() string {
	if name := n.child("name"); name != nil {
		return name.text
	}
	return ""
}
