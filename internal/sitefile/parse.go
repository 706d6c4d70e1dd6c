package sitefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"millwright/internal/metal"
)

// parser collects a site and its problems while it walks the file once. The
// sections are visited in the order of their references, not of the file:
// whatever a machine names has been read before the machines are.
type parser struct {
	file        string
	credentials map[string]bool // nil: any name will do
	problems    Problems
	site        *Site
	used        map[string]int        // what may stand once, and the line where it does
	ports       int                   // read so far: each needs an install link
	bundles     map[metal.Port]string // whose they are
}

// Parse reads a site file. Name stands in every problem; credentials are the
// names that exist, or nil where nobody can say yet. The error is of type
// Problems, and holds every problem of the file.
func Parse(text []byte, name string, credentials map[string]bool) (*Site, error) {
	p := &parser{file: name, credentials: credentials, site: &Site{}, used: map[string]int{}, bundles: map[metal.Port]string{}}
	if root := p.document(text); root != nil {
		p.root(root)
	}
	if err := p.problems.err(); err != nil {
		return nil, err
	}
	return p.site, nil
}

func (p *parser) problem(line int, format string, args ...any) {
	p.problems = append(p.problems, Problem{p.file, line, fmt.Sprintf(format, args...)})
}

// document is the file's one YAML document, or nil when there is none to read.
func (p *parser) document(text []byte) *yaml.Node {
	var doc, next yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		p.problem(1, "the file is empty; start it with \"site: NAME\"")
		return nil
	} else if err != nil {
		p.syntax(err)
		return nil
	}
	if err := decoder.Decode(&next); err == nil {
		p.problem(next.Line, "a second document begins here; one file describes one site")
	} else if !errors.Is(err, io.EOF) {
		p.syntax(err)
	}
	return doc.Content[0]
}

// yamlLine finds the line in the parser's message, which has it only as text.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (p *parser) syntax(err error) {
	line := 1
	if found := yamlLine.FindStringSubmatch(err.Error()); found != nil && found[1] != "" {
		line, _ = strconv.Atoi(found[1]) // digits, by the expression above
	}
	p.problem(line, "not YAML: %s", yamlLine.ReplaceAllString(err.Error(), ""))
}

func (p *parser) root(n *yaml.Node) {
	o := p.object(entry{"the site file", n.Line, n}, []string{
		"site", "metro", "boot", "blocks", "plans", "operating_systems", "racks", "switches", "machines",
	}, []string{"bgp", "zones", "aggregates", "vouched", "power_budget_w"})
	p.site.ID = metal.SiteID(o.name("site"))
	p.site.Metro = o.name("metro")
	p.site.Vouched, p.site.PowerBudget = o.truth("vouched"), o.numberOr("power_budget_w", 0)
	p.boot(o)
	p.bgp(o)
	p.zones(o)
	p.aggregates(o)
	p.blocks(o)
	p.plans(o)
	p.operatingSystems(o)
	p.racks(o)
	p.switches(o)
	p.machines(o)
	p.installRoom(o)
}

// once notes that value stands on this line, and reports when it stood before.
func (p *parser) once(kind, value string, line int) {
	key := kind + " " + value
	if first, taken := p.used[key]; taken {
		p.problem(line, "%s is already used on line %d; each may stand once", key, first)
		return
	}
	p.used[key] = line
}

// knows reports whether a name of this kind was declared, and says which were
// when it was not.
func knows[T ~string](p *parser, line int, kind string, name T, declared []T) {
	if name == "" {
		return // already reported as missing
	}
	words := make([]string, len(declared))
	for i, d := range declared {
		if d == name {
			return
		}
		words[i] = string(d)
	}
	p.problem(line, "unknown %s %q; declared: %s", kind, name, listed(words))
}

// listed keeps a sentence readable at a site of hundreds of names.
func listed(words []string) string {
	const enough = 12
	switch {
	case len(words) == 0:
		return "none"
	case len(words) > enough:
		return fmt.Sprintf("%s and %d more", strings.Join(words[:enough], ", "), len(words)-enough)
	}
	return strings.Join(words, ", ")
}
