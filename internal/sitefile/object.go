package sitefile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// object is one YAML mapping whose keys have been checked. Its readers report
// what they cannot read and then return a zero value, so that reading goes on.
type object struct {
	p      *parser
	what   string // "machine m1", as problems name it
	line   int
	values map[string]*yaml.Node
}

// entry is a node, what it is called, and the line where it begins: for a named
// thing that is the line of its name, above its first key.
type entry struct {
	name string
	line int
	node *yaml.Node
}

// as is the entry under a fuller name, "machine m1" for "m1".
func (e entry) as(kind string) entry { return entry{kind + " " + e.name, e.line, e.node} }

func (p *parser) object(e entry, required, optional []string) object {
	o := object{p, e.name, e.line, map[string]*yaml.Node{}}
	if !p.is(e.node, yaml.MappingNode, o.what) {
		return o
	}
	known := slices.Concat(required, optional)
	for _, pair := range p.pairs(e.node, o.what) {
		if !slices.Contains(known, pair.name) {
			p.problem(pair.line, "unknown key %q in %s; known: %s", pair.name, o.what, strings.Join(known, ", "))
		}
		o.values[pair.name] = pair.node
	}
	for _, key := range required {
		if o.values[key] == nil {
			p.problem(o.line, "%s has no %q; add it", o.what, key)
		}
	}
	return o
}

// pairs lists a mapping's entries. The YAML parser lets a key stand twice and
// would take the last: here that is a mistake, because one of them is lost.
func (p *parser) pairs(n *yaml.Node, what string) (entries []entry) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			p.problem(key.Line, "a key of %s is not a word; write a plain name", what)
			continue
		}
		if line, twice := first[key.Value]; twice {
			p.problem(key.Line, "%q stands twice in %s, first on line %d; remove one", key.Value, what, line)
			continue
		}
		first[key.Value] = key.Line
		entries = append(entries, entry{key.Value, key.Line, n.Content[i+1]})
	}
	return entries
}

// kinds says what a YAML node is in words that people use of their files.
var kinds = map[yaml.Kind]string{
	yaml.MappingNode:  "a table of keys and values",
	yaml.SequenceNode: "a list",
	yaml.ScalarNode:   "one value",
	// Aliases are refused rather than followed: a problem in what they stand
	// for would carry a line of another machine.
	yaml.AliasNode: "an alias",
}

func (p *parser) is(n *yaml.Node, kind yaml.Kind, what string) bool {
	if n.Kind != kind {
		p.problem(n.Line, "%s is %s; write %s", what, kinds[n.Kind], kinds[kind])
	}
	return n.Kind == kind
}

// at is the line of a key's value, or of the object where the key is missing.
func (o object) at(key string) int {
	if n := o.values[key]; n != nil {
		return n.Line
	}
	return o.line
}

// text is a key's value as written, whatever type YAML would make of it: a rack
// may be called "12", or "no".
func (o object) text(key string) string {
	n := o.values[key]
	if n == nil || !o.p.is(n, yaml.ScalarNode, key+" of "+o.what) {
		return ""
	}
	if n.Value == "" {
		o.p.problem(n.Line, "%s of %s is empty; give it a value", key, o.what)
	}
	return n.Value
}

// nameForm keeps names fit for logs, metrics and DNS. A colon must never stand
// in one: a relay's circuit-id is cut at the first.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

func (p *parser) checkName(line int, what, name string) {
	if name != "" && !nameForm.MatchString(name) {
		p.problem(line, "%s %q is not a name; use up to 63 lower-case letters, digits, dots, dashes and underscores", what, name)
	}
}

func (o object) name(key string) string {
	name := o.text(key)
	o.p.checkName(o.at(key), key, name)
	return name
}

// textOr is the value of an optional key.
func (o object) textOr(key, otherwise string) string {
	if !o.has(key) {
		return otherwise
	}
	return o.text(key)
}

func (o object) has(key string) bool { return o.values[key] != nil }

// number is a whole number of at least 1: nothing a site file counts is zero.
func (o object) number(key string) int {
	text := o.text(key)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		o.p.problem(o.at(key), "%s of %s is %q; write a whole number from 1", key, o.what, text)
	}
	return n
}

// numberOr is the number of an optional key.
func (o object) numberOr(key string, otherwise int) int {
	if !o.has(key) {
		return otherwise
	}
	return o.number(key)
}

// span is a time as Go writes it. No limit of a site file is shorter than a
// second, so a number without its unit is never taken for nanoseconds.
func (o object) span(key string, absent time.Duration) time.Duration {
	if !o.has(key) {
		return absent
	}
	return o.within(key, time.Second, 24*time.Hour, "1s to 24h, like 90s or 20m")
}

// within is a time between two others; what says which, and how to write it.
func (o object) within(key string, least, most time.Duration, what string) time.Duration {
	text := o.text(key)
	if text == "" {
		return 0
	}
	span, err := time.ParseDuration(text)
	if err != nil || span < least || span > most {
		o.p.problem(o.at(key), "%s of %s is %q; write a time from %s", key, o.what, text, what)
	}
	return span
}

func (o object) truth(key string) bool {
	text := o.text(key)
	if text != "" && text != "true" && text != "false" {
		o.p.problem(o.at(key), "%s of %s is %q; write true or false", key, o.what, text)
	}
	return text == "true"
}

// choice is one word of a few.
func choice[T ~string](o object, key string, words ...T) T {
	word := T(o.text(key))
	if word != "" && !slices.Contains(words, word) {
		all := make([]string, len(words))
		for i, w := range words {
			all[i] = string(w)
		}
		o.p.problem(o.at(key), "%s of %s is %q; write %s", key, o.what, word, strings.Join(all, " or "))
	}
	return word
}

func (o object) list(key string) []*yaml.Node {
	n := o.values[key]
	if n == nil || !o.p.is(n, yaml.SequenceNode, key+" of "+o.what) {
		return nil
	}
	if len(n.Content) == 0 {
		o.p.problem(n.Line, "%s of %s is empty; list at least one", key, o.what)
	}
	return n.Content
}

// words is a list of single values.
func (o object) words(key string) (entries []entry) {
	for _, n := range o.list(key) {
		if o.p.is(n, yaml.ScalarNode, "an entry of "+key) {
			entries = append(entries, entry{n.Value, n.Line, n})
		}
	}
	return entries
}

// table is a mapping of names to things of one kind.
func (o object) table(key, kind string) []entry {
	n := o.values[key]
	if n == nil || !o.p.is(n, yaml.MappingNode, key+" of "+o.what) {
		return nil
	}
	entries := o.p.pairs(n, key)
	for _, e := range entries {
		if e.name == "" {
			o.p.problem(e.line, "a %s has no name; give it one", kind)
		}
		o.p.checkName(e.line, kind, e.name)
	}
	return entries
}
