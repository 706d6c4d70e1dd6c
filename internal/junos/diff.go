package junos

import (
	"regexp"
	"slices"
	"strings"
)

// hidden stands where a secret was.
const hidden = "<secret>"

// diff says what leads from the configuration to the pieces, in lines as the
// CLI's "display set" has them, with a sign before each.
func diff(pieces []piece, configuration *element) string {
	var b strings.Builder
	for _, p := range pieces {
		have := p.find(configuration)
		want := unreadable(p.want, have)
		if have.canonical() == want.canonical() {
			continue
		}
		was, is := p.lines(have), p.lines(want)
		b.WriteString(without("- ", was, is) + without("+ ", is, was))
	}
	return b.String()
}

// line is one statement, and what it means: a secret says the same in every
// diff, and two secrets that differ must still be a difference.
type line struct{ shown, meant string }

// without writes the lines that the other side has not.
func without(sign string, lines, other []line) string {
	var b strings.Builder
	for _, l := range lines {
		if !slices.ContainsFunc(other, func(o line) bool { return o.meant == l.meant }) {
			b.WriteString(sign + "set " + l.shown + "\n")
		}
	}
	return b.String()
}

// lines flattens what stands at the piece's place.
func (p piece) lines(e *element) []line {
	if e == nil {
		return nil
	}
	place := piece{path: p.path[:len(p.path)-1], step: p.path[len(p.path)-1]}.place()
	return flat(place, e)
}

// flat gives a line for each statement below, in their order: the order of a
// filter's terms is part of what it means, and differs as lines do only where
// a term is new, gone or other.
func flat(path string, e *element) []line {
	at := path + " " + e.name
	if key := e.key(); key != "" {
		at += " " + key
	}
	if e.inactive {
		return []line{{shown: at + " (inactive)", meant: at + " (inactive)"}}
	}
	switch {
	case e.name == keyTag:
		return []line{{shown: at + " " + hidden, meant: at + " " + revealed(e.text)}}
	case e.text != "":
		return []line{{shown: at + " " + e.text, meant: at + " " + plain(e.text)}}
	}
	var all []line
	for _, c := range e.children {
		if c.name != "name" {
			all = append(all, flat(at, c)...)
		}
	}
	if len(all) == 0 {
		return []line{{shown: at, meant: at}}
	}
	return all
}

// secretive finds secrets in what a switch says: whatever it marks as one, the
// statements that hold one, and every text in one of its ciphers or hashes.
var secretive = []*regexp.Regexp{
	regexp.MustCompile(`("[^"]*"|[^\s;]+)(;\s*## SECRET-DATA)`),
	regexp.MustCompile(`(` + keyTag + `(?:\s+|>))("[^"]*"|[^\s;<][^;<]*)`),
	regexp.MustCompile(`\$[1-9]\$[^\s;"'<]+`),
}

// redacted is a text of the switch without the secrets that it repeats.
func redacted(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, hidden)
	}
	text = secretive[0].ReplaceAllString(text, hidden+"$2")
	text = secretive[1].ReplaceAllString(text, "${1}"+hidden)
	return secretive[2].ReplaceAllString(text, hidden)
}
