package junos

import (
	"fmt"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// definitions are where Junos keeps what others name, by the tag that names
// it. Each tag is the whole of a path's end that is ours alone to write.
var definitions = []struct {
	use  []string // the end of the path to the name
	list string   // the tag of the entries that have such names
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
			defined[family6(p)+p.step.tag+" "+p.step.key] = true
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

// family6 tells filters of the two families apart.
func family6(p piece) string {
	if p.step.tag == "filter" {
		return p.path[len(p.path)-1].tag + " "
	}
	return ""
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
