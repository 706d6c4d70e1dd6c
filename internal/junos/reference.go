package junos

import (
	"fmt"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// definitions say which statements name something, and in which list that
// stands.
var definitions = []struct {
	use  []string // the end of the path to the name
	list string   // the tag of the entries that may have it
}{
	{use: []string{"input", "filter-name"}, list: "filter"},
	{use: []string{"output", "filter-name"}, list: "filter"},
	{use: []string{"then", "policer"}, list: "policer"},
	{use: []string{"prefix-list-filter", "list_name"}, list: "prefix-list"},
	{use: []string{"from", "prefix-list", "name"}, list: "prefix-list"},
	{use: []string{"group", "import"}, list: "policy-statement"},
	{use: []string{"group", "export"}, list: "policy-statement"},
	{use: []string{"active-server-group", "active-server-group"}, list: "server-group"},
}

// dangling finds a name in the pieces that none of them defines. Juniper's
// model does not look, and a switch would say so only at the commit.
func dangling(pieces []piece) error {
	defined := map[string]bool{}
	for _, p := range pieces {
		if p.want != nil {
			defined[definition(p)] = true
		}
	}
	for _, p := range pieces {
		if p.want == nil {
			continue
		}
		path := make([]string, 0, len(p.path)+1)
		for _, s := range p.path {
			path = append(path, s.tag)
		}
		if err := unresolved(append(path, p.want.name), p.want, defined); err != nil {
			return err
		}
	}
	return nil
}

// definition is what a piece defines; a filter is its family's.
func definition(p piece) string {
	name := p.step.tag + " " + p.step.key
	if p.step.tag == "filter" {
		name = p.path[len(p.path)-1].tag + " " + name
	}
	return name
}

func unresolved(path []string, e *element, defined map[string]bool) error {
	for _, d := range definitions {
		if len(path) < len(d.use) || !slices.Equal(path[len(path)-len(d.use):], d.use) {
			continue
		}
		name := d.list + " " + e.text
		if d.list == "filter" {
			name = path[len(path)-4] + " " + name // family inet filter input filter-name
		}
		if !defined[name] {
			return fmt.Errorf("%s names a %s that is not there, %q: %w",
				strings.Join(path, " "), d.list, e.text, metal.ErrUnsupported)
		}
	}
	for _, c := range e.children {
		if err := unresolved(append(path[:len(path):len(path)], c.name), c, defined); err != nil {
			return err
		}
	}
	return nil
}
