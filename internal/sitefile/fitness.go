package sitefile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"millwright/internal/metal"
)

// Fitness is what a plan expects of its machines, as they are held against it.
func (p Plan) Fitness() metal.Fitness {
	return metal.Fitness{
		Cores: p.Cores, MemoryGiB: p.MemoryGiB, DisksGB: p.DisksGB,
		DiskTypes: p.DiskTypes, NICMbps: p.NICMbps, Baseline: p.Firmware, Settings: p.Settings, BurnIn: p.BurnIn,
	}
}

// fitness reads what a plan may expect of its machines beside their size.
func (p *parser) fitness(o object, plan *Plan) {
	plan.NICMbps = o.numberOr("nic_mbps", 0)
	plan.DiskTypes = p.diskTypes(o, len(plan.DisksGB))
	plan.Firmware, plan.Settings = o.texts("firmware"), o.texts("settings")
	for _, component := range slices.Sorted(maps.Keys(plan.Firmware)) {
		// Drivers name components in lower case, and what is spelled otherwise
		// would never be compared.
		if lower := strings.ToLower(component); component != lower {
			p.problem(o.at("firmware"), "%q in firmware of %s has capitals; write %q", component, o.what, lower)
		}
	}
	plan.BurnIn = p.burnIn(o)
}

func (p *parser) diskTypes(o object, disks int) (types []string) {
	for _, w := range o.words("disk_types") {
		if w.name != "nvme" && w.name != "ssd" && w.name != "hdd" {
			p.problem(w.line, "a disk type of %s is %q; write nvme or ssd or hdd", o.what, w.name)
		}
		types = append(types, w.name)
	}
	if len(types) > 0 && len(types) != disks {
		p.problem(o.at("disk_types"), "%s has %d disks_gb and %d disk_types; write one type for each disk", o.what, disks, len(types))
	}
	return types
}

func (p *parser) burnIn(plan object) metal.BurnIn {
	if !plan.has("burn_in") {
		return metal.BurnIn{}
	}
	o := p.object(entry{"burn_in of " + plan.what, plan.at("burn_in"), plan.values["burn_in"]},
		nil, []string{"cpu", "memory", "disks", "network"})
	return metal.BurnIn{
		CPU: o.span("cpu", 0), Memory: o.span("memory", 0), Disks: o.span("disks", 0), Network: o.span("network", 0),
	}
}

// longestWord is of a key or value of texts: YAML takes no key above 1024 bytes
// on one line, and no firmware has one above this.
const longestWord = 200

// texts is a mapping of words to words, or nil where there is none.
func (o object) texts(key string) map[string]string {
	n := o.values[key]
	if n == nil || !o.p.is(n, yaml.MappingNode, key+" of "+o.what) {
		return nil
	}
	if len(n.Content) == 0 {
		o.p.problem(n.Line, "%s of %s is empty; leave it out, or say what is expected", key, o.what)
	}
	all := map[string]string{}
	for _, e := range o.p.pairs(n, key+" of "+o.what) {
		if !o.p.is(e.node, yaml.ScalarNode, fmt.Sprintf("%q in %s of %s", e.name, key, o.what)) {
			continue
		}
		if e.name == "" || e.node.Value == "" || len(e.name)+len(e.node.Value) > longestWord {
			o.p.problem(e.line, "%q in %s of %s is empty or too long; write a name and a value of %d bytes together", e.name, key, o.what, longestWord)
		}
		all[e.name] = e.node.Value
	}
	return all
}

// table prints a mapping of words to words on one line.
func table(all map[string]string) (string, error) {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		name, err := quoted(key)
		if err != nil {
			return "", err
		}
		value, err := quoted(all[key])
		if err != nil {
			return "", err
		}
		pairs = append(pairs, name+": "+value)
	}
	return "{" + strings.Join(pairs, ", ") + "}", nil
}

// burning prints the tests of a burn-in that are done, or nothing.
func burning(b metal.BurnIn) string {
	var tests []string
	for _, test := range []struct {
		name string
		span fmt.Stringer
	}{{"cpu", b.CPU}, {"memory", b.Memory}, {"disks", b.Disks}, {"network", b.Network}} {
		if text := test.span.String(); text != "0s" {
			tests = append(tests, test.name+": "+text)
		}
	}
	if len(tests) == 0 {
		return ""
	}
	return "{" + strings.Join(tests, ", ") + "}"
}
