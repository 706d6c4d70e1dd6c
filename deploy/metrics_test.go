package deploy

import (
	"bufio"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exported is what some programs export: the labels of each metric.
type exported map[string]map[string]bool

var (
	sample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$`)
	label  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"`)
)

// scrape reads one page of the text format and adds it.
func (e exported) scrape(t *testing.T, text string) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		found := sample.FindStringSubmatch(lines.Text())
		if found == nil {
			require.True(t, strings.HasPrefix(lines.Text(), "#"), lines.Text())
			continue
		}
		if e[found[1]] == nil {
			e[found[1]] = map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(found[2], -1) {
			e[found[1]][l[1]] = true
		}
	}
}

// reading is what a PromQL expression reads: metrics, and labels of them.
type reading struct {
	metrics map[string][]string // the labels that select from each
	grouped []string            // labels of "by", which one of the metrics must have
}

var (
	selector = regexp.MustCompile(`\b((?:millwright|temporal)_[a-z0-9_]+)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)`)
	grouping = regexp.MustCompile(`\b(?:by|on|group_left|group_right)\s*\(([^)]*)\)`)
)

func read(expr string) reading {
	r := reading{metrics: map[string][]string{}}
	for _, found := range selector.FindAllStringSubmatch(expr, -1) {
		r.metrics[found[1]] = append(r.metrics[found[1]], matches(matcher, found[2])...)
	}
	for _, list := range matches(grouping, expr) {
		for l := range strings.SplitSeq(list, ",") {
			if l = strings.TrimSpace(l); l != "" {
				r.grouped = append(r.grouped, l)
			}
		}
	}
	return r
}

func matches(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, found := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}

// targets are the labels that Prometheus adds to whatever it scrapes.
var targets = []string{"job", "instance", "role"}

// check tells what an expression reads that is not there.
func (e exported) check(expr string) (missing []string) {
	r, known := read(expr), slices.Clone(targets)
	for metric, labels := range r.metrics {
		has, ok := e[metric]
		if !ok {
			missing = append(missing, metric)
			continue
		}
		for l := range has {
			known = append(known, l)
		}
		for _, l := range labels {
			if !has[l] && !slices.Contains(targets, l) {
				missing = append(missing, metric+"{"+l+"}")
			}
		}
	}
	for _, l := range r.grouped {
		if len(missing) == 0 && !slices.Contains(known, l) {
			missing = append(missing, "by ("+l+")")
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
