package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// prometheus is a real one that scrapes a site's programs and has our rules.
type prometheus struct{ url string }

// scrapeSite starts a Prometheus with our rules on the programs of this site,
// asking each second.
func scrapeSite(t *testing.T, s *site) prometheus {
	t.Helper()
	dir := t.TempDir()
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files:\n"
	for _, file := range ruleFiles(t) {
		path, err := filepath.Abs(file)
		require.NoError(t, err)
		config += "  - " + path + "\n"
	}
	config += "scrape_configs:\n"
	for job, address := range s.admin {
		config += fmt.Sprintf("  - {job_name: %s, static_configs: [{targets: [%q], labels: {role: control}}]}\n", job, address)
	}
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	address, log := free(t), &journal{}
	cmd := exec.CommandContext(context.Background(), "prometheus", "--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start(), "make deps installs it")
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus said:\n%s", log)
		}
	})
	p := prometheus{"http://" + address}
	require.Eventually(t, func() bool { _, err := get(p.url + "/-/ready"); return err == nil }, patience, 50*time.Millisecond)
	return p
}

// ask asks for something of Prometheus's API; data is what it answers.
func (p prometheus) ask(path string, data any) error {
	text, err := get(p.url + path)
	if err != nil {
		return err
	}
	answer := struct {
		Data     any
		Warnings []string
	}{Data: data}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return err
	}
	if len(answer.Warnings) > 0 {
		return fmt.Errorf("%s: %v", path, answer.Warnings)
	}
	return nil
}

// query counts what an expression comes to, as Grafana asks: with its own
// variables filled in, and all of each that can be chosen.
func (p prometheus) query(d dashboard, expr string) (series int, err error) {
	expr = strings.ReplaceAll(expr, "$__rate_interval", "1m")
	for _, v := range d.Templating.List[1:] {
		expr = strings.ReplaceAll(expr, "$"+v.Name, v.AllValue)
	}
	var found struct{ Result []any }
	err = p.ask("/api/v1/query?query="+url.QueryEscape(expr), &found)
	return len(found.Result), err
}

// silent are panels that have nothing to show of a site that is a minute old,
// and why.
var silent = map[string]string{
	"Mean time in each step, a week ago":     "it was not there",
	"Steps beside their history":             "it has none",
	"Slower than ever":                       "it has none",
	"Orders under way":                       "the one that was given has ended",
	"Run duration":                           "no run on a device was done",
	"Step durations of other runs":           "none was begun",
	"Runs on machines":                       "none was begun",
	"Commission, median and 95th percentile": "none was begun",
	"Expected wait of the last":              "nobody waits",
}

// unshown are the panels that show nothing, or cannot ask what they ask.
func (p prometheus) unshown(all []dashboard) (problems []string) {
	for _, d := range all {
		for _, panel := range d.Panels {
			for _, target := range panel.Targets {
				switch n, err := p.query(d, target.Expr); {
				case err != nil:
					problems = append(problems, fmt.Sprintf("%s: panel %s: %v", d.Title, panel.Title, err))
				case n == 0 && silent[panel.Title] == "":
					problems = append(problems, fmt.Sprintf("%s: panel %s shows nothing: %s", d.Title, panel.Title, target.Expr))
				}
			}
		}
	}
	return problems
}

// alerting says how an alert stands on each of what it is about: pending, or
// firing. A rule that cannot be evaluated is an error.
func (p prometheus) alerting(alert string) (states map[string]string, err error) {
	var found struct {
		Groups []struct {
			Rules []struct {
				Name, Health, LastError string
				Alerts                  []struct {
					Labels map[string]string
					State  string
				}
			}
		}
	}
	if err := p.ask("/api/v1/rules?type=alert", &found); err != nil {
		return nil, err
	}
	states = map[string]string{}
	for _, g := range found.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				return nil, fmt.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
			for _, a := range r.Alerts {
				if r.Name == alert {
					states[a.Labels["machine"]+a.Labels["sensor"]] = a.State
				}
			}
		}
	}
	return states, nil
}

func TestARealPrometheusAnswersEveryPanelAndEvaluatesEveryRule(t *testing.T) {
	t.Parallel()
	s, all := startSite(t), dashboards(t)
	s.live(t)
	s.stir(t)
	p := scrapeSite(t, s)
	var problems atomic.Pointer[[]string] // Eventually may look on after it gave up
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(*problems.Load(), "\n"))
		}
	})
	require.Eventually(t, func() bool {
		found := p.unshown(all)
		problems.Store(&found)
		return len(found) == 0
	}, patience, 500*time.Millisecond, "every panel shows something")

	// The run that was stirred failed on a machine of this plan.
	failed := `millwright_run_duration_seconds_count{run="Provision", plan="c1.small", outcome="failed"}`
	require.Eventually(t, func() bool { n, err := p.query(all[0], failed); return err == nil && n == 1 }, patience, 500*time.Millisecond)

	// From the row that a patrol writes to the alert: one temperature is close to
	// its limit, one is not; one of three fans stands.
	hot, err := p.alerting("TemperatureNearCritical")
	require.NoError(t, err)
	require.Equal(t, map[string]string{string(s.machine.ID) + "CPU1 Temp": "firing"}, hot)
	fans, err := p.alerting("FanDead")
	require.NoError(t, err)
	require.Equal(t, map[string]string{string(s.machine.ID) + "Fan 2": "pending"}, fans, "for less than a minute")
}
