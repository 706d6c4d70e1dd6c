package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// question is an expression that somebody will look at, and the labels that
// the text beside it writes out.
type question struct {
	who    string
	expr   string
	labels []string
}

// alert is one rule of ours.
type alert struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

// ruleFiles are those that Prometheus is told to read.
func ruleFiles(t *testing.T) []string {
	t.Helper()
	var config struct {
		Files []string `yaml:"rule_files"`
	}
	text, err := os.ReadFile("prometheus/prometheus.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &config))
	require.NotEmpty(t, config.Files)
	for i, name := range config.Files {
		config.Files[i] = filepath.Join("prometheus", name)
	}
	return config.Files
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	for _, name := range ruleFiles(t) {
		var file struct {
			Groups []struct {
				Name  string
				Rules []alert
			}
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, &file))
		require.NotEmpty(t, file.Groups, name)
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

var (
	inSentence = regexp.MustCompile(`\$labels\.([a-z_]+)`)
	inLegend   = regexp.MustCompile(`\{\{\s*([a-z_]+)\s*\}\}`)
)

// questions are all that rules and dashboards ask.
func questions(t *testing.T) []question {
	t.Helper()
	var all []question
	for _, a := range alerts(t) {
		text := strings.Join([]string{a.Annotations["summary"], a.Annotations["description"]}, " ")
		all = append(all, question{"alert " + a.Alert, a.Expr, matches(inSentence, text)})
	}
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all = append(all, question{d.Title + ": panel " + p.Title, target.Expr, matches(inLegend, target.LegendFormat)})
			}
		}
		for _, v := range d.Templating.List {
			if found := labelValues.FindStringSubmatch(v.Definition); found != nil {
				all = append(all, question{d.Title + ": variable " + v.Name, "count by (" + found[2] + ") (" + found[1] + ")", nil})
			}
		}
	}
	return all
}

// unanswered tells which questions ask for what nobody exports, and which
// sentences write out a label that their answer does not have.
func unanswered(have exported, all []question) (problems []string) {
	for _, q := range all {
		for _, what := range have.check(q.expr) {
			problems = append(problems, fmt.Sprintf("%s: %s is not exported", q.who, what))
		}
		r := read(q.expr)
		answer := append(slices.Clone(targets), r.grouped...)
		if len(r.grouped) == 0 {
			for metric := range r.metrics {
				for l := range have[metric] {
					answer = append(answer, l)
				}
			}
		}
		for _, l := range q.labels {
			if !slices.Contains(answer, l) {
				problems = append(problems, fmt.Sprintf("%s: its text writes {{%s}}, which its answer does not have", q.who, l))
			}
		}
	}
	return problems
}

func TestEveryMetricThatAlertsAndDashboardNameIsExported(t *testing.T) {
	t.Parallel()
	s, all := startSite(t), questions(t)
	s.live(t)
	s.stir(t)
	var problems atomic.Pointer[[]string] // Eventually may look on after it gave up
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(*problems.Load(), "\n"))
		}
	})
	require.Eventually(t, func() bool {
		have := exported{}
		for _, address := range s.admin {
			text, err := get("http://" + address + "/metrics")
			if err != nil {
				return false
			}
			have.scrape(t, text)
		}
		found := unanswered(have, all)
		problems.Store(&found)
		return len(found) == 0
	}, patience, 200*time.Millisecond, "everything that is named is exported")
}

func TestAWrongNameOrLabelIsNoticed(t *testing.T) {
	t.Parallel()
	have := exported{}
	have.scrape(t, "# HELP x y\nmillwright_machines{site=\"lab1\",state=\"idle, or {so}\"} 3\nmillwright_view_age_seconds 1.5\n")
	for expr, want := range map[string][]string{
		`sum by (site) (millwright_machines{state="idle"}) > 0`:  nil,
		`millwright_view_age_seconds{job="boot"} > 1`:            nil,
		`millwright_machine{state="idle"}`:                       {"millwright_machine"},
		`sum(millwright_machines{status="idle"})`:                {"millwright_machines{status}"},
		`sum by (plan) (millwright_machines{state!~"idle"})`:     {"by (plan)"},
		`rate(millwright_view_age_seconds[5m]) + temporal_teeth`: {"temporal_teeth"},
	} {
		require.Equal(t, want, have.check(expr), expr)
	}
	require.Equal(t, []string{"x: its text writes {{state}}, which its answer does not have"},
		unanswered(have, []question{{"x", "sum by (site) (millwright_machines)", []string{"site", "state"}}}))
}
