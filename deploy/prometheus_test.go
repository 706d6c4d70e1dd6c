package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func promtool(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput()
	require.NoError(t, err, "promtool (make deps installs it) %v: %s", args, out)
}

func TestPrometheusTakesItsConfigurationAndRules(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "config", "prometheus/prometheus.yml")
	for _, file := range ruleFiles(t) {
		promtool(t, "check", "rules", "--lint=all", "--lint-fatal", file)
	}
}

func TestEachAlertFiresWhereItShould(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("prometheus/*_test.yml")
	require.NoError(t, err)
	var tests []byte
	for _, file := range files {
		promtool(t, "test", "rules", file)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		tests = append(tests, text...)
	}
	for _, a := range alerts(t) {
		// Once with what it says, at least, and once silent.
		require.Regexp(t, `alertname: `+a.Alert+`\n\s+exp_alerts:`, string(tests), "%s is not seen to fire", a.Alert)
		require.Regexp(t, `\{eval_time: \w+, alertname: `+a.Alert+`\}`, string(tests), "%s is not seen to be silent", a.Alert)
	}
}

func TestEachAlertSaysHowBadItIsAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, a := range alerts(t) {
		require.Contains(t, []string{"critical", "warning"}, a.Labels["severity"], a.Alert)
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		require.Regexp(t, `\.$`, a.Annotations["description"], a.Alert)
		require.Equal(t, "docs/operations.md#alert-"+strings.ToLower(a.Alert), a.Annotations["runbook_url"], a.Alert)
	}
}
