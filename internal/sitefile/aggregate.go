package sitefile

import (
	"regexp"
	"time"

	"millwright/internal/metal"
)

// registryForm is a registry's name: "ripe", "arin", "rfc1918".
var registryForm = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// aggregates reads what registries gave. Blocks that lie in none of them get
// one that is assumed.
func (p *parser) aggregates(root object) {
	if root.values["aggregates"] == nil {
		return
	}
	for _, n := range root.list("aggregates") {
		o := p.object(entry{"aggregate", n.Line, n}, []string{"prefix", "registry"}, []string{"status", "given", "note"})
		a := metal.Aggregate{Prefix: p.prefix(o), Registry: o.text("registry"), Status: o.text("status"), Given: p.day(o, "given"), Note: o.text("note")}
		if a.Registry != "" && !registryForm.MatchString(a.Registry) {
			p.problem(o.at("registry"), "registry %q is not a name; write one like ripe, arin or rfc1918", a.Registry)
		}
		if !a.Prefix.IsValid() {
			continue
		}
		for _, other := range p.site.Aggregates {
			if other.Prefix.Overlaps(a.Prefix) {
				p.problem(o.at("prefix"), "aggregate %s overlaps aggregate %s; make them disjoint", a.Prefix, other.Prefix)
			}
		}
		p.site.Aggregates = append(p.site.Aggregates, a)
	}
}

func (p *parser) day(o object, key string) time.Time {
	text := o.text(key)
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		p.problem(o.at(key), "%s of %s is %q; write a day like 2026-11-22", key, o.what, text)
	}
	return day
}

// projects are who may take from a block.
func (p *parser) projects(o object) (projects []metal.ProjectID) {
	for _, w := range o.words("projects") {
		p.checkName(w.line, "project", w.name)
		projects = append(projects, metal.ProjectID(w.name))
	}
	return projects
}
