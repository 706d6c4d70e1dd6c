package netconf

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// install programs the hardware with the filters that the configuration binds
// to interfaces. One that there is no room for, or that NotInstalled befalls, is
// left out, and the commit that brought it is none the worse: so do switches.
// A filter that was in force and did not change stays. The caller holds the
// mutex, or is New.
func (s *Switch) install(configuration *node) {
	wanted := bound(configuration)
	next, used := map[string]int{}, 0
	for name, n := range wanted {
		if s.installed[name] == n && n > 0 && s.same(configuration, name) {
			next[name] = n
			used += n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if _, there := next[name]; there {
			continue
		}
		if _, fails := s.strikesHeld(NotInstalled); fails {
			continue
		}
		if limit := s.config.FilterTerms; limit > 0 && used+wanted[name] > limit {
			continue
		}
		next[name] = wanted[name]
		used += wanted[name]
	}
	s.installed, s.programmed = next, configuration
}

// same tells whether a filter is as it was when the hardware was programmed.
func (s *Switch) same(configuration *node, name string) bool {
	return slices.Equal(texts(configuration, name), texts(s.programmed, name))
}

func texts(configuration *node, name string) []string {
	var all []string
	for _, family := range families(configuration.child("firewall")) {
		for _, f := range family.all("filter") {
			if f.key() == name {
				all = append(all, family.name+f.String())
			}
		}
	}
	return all
}

// bound counts the terms of each filter that an interface names, by its name.
func bound(configuration *node) map[string]int {
	terms := map[string]int{}
	for _, i := range configuration.child("interfaces").all("interface") {
		for _, u := range i.all("unit") {
			for _, f := range families(u) {
				for _, direction := range []string{"input", "output"} {
					if name := f.at("filter", direction, "filter-name"); name != nil {
						terms[name.text] = hardwareTerms(configuration, f.name, name.text)
					}
				}
			}
		}
	}
	return terms
}

// hardwareTerms is what a filter takes: an entry for each combination of what
// its terms match.
func hardwareTerms(configuration *node, family, name string) int {
	total := 0
	for _, f := range configuration.at("firewall", "family", family).all("filter") {
		if f.key() != name {
			continue
		}
		for _, t := range f.all("term") {
			total += combinations(t.child("from"))
		}
	}
	return total
}

func combinations(from *node) int {
	if from == nil {
		return 1
	}
	all, run := 1, 0
	sorted := slices.SortedFunc(slices.Values(from.children), func(a, b *node) int { return cmp.Compare(a.name, b.name) })
	for i, match := range sorted {
		run++
		if i == len(sorted)-1 || sorted[i+1].name != match.name {
			all, run = all*run, 0
		}
	}
	return all
}

// Installed names the filters that the hardware has, sorted.
func (s *Switch) Installed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.installed))
}

// firewallInformation answers get-firewall-information: what is in force, with
// Junos's own filter among it.
func (s *Switch) firewallInformation() *node {
	list := branch("firewall-information", filterInformation("__default_bpdu_filter__"))
	for _, name := range s.Installed() {
		if !strings.HasPrefix(name, "__") {
			list.children = append(list.children, filterInformation(name))
		}
	}
	return list
}

func filterInformation(name string) *node {
	return branch("filter-information", leaf("filter-name", name))
}
