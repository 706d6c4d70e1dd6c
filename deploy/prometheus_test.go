package deploy

import (
	"os"
	"os/exec"
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
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", "prometheus/rules.yml")
}

func TestEachAlertFiresWhereItShould(t *testing.T) {
	t.Parallel()
	promtool(t, "test", "rules", "prometheus/rules_test.yml")
	tests, err := os.ReadFile("prometheus/rules_test.yml")
	require.NoError(t, err)
	for _, a := range alerts(t) {
		// Once with what it says, at least.
		require.Regexp(t, `alertname: `+a.Alert+`\n\s+exp_alerts:`, string(tests), "%s is not tested", a.Alert)
	}
}

func TestEachAlertSaysHowBadItIsAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, a := range alerts(t) {
		require.Contains(t, []string{"critical", "warning"}, a.Labels["severity"], a.Alert)
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		require.Regexp(t, `\.$`, a.Annotations["description"], a.Alert)
		require.Equal(t, "docs/operations.md#alert-"+strings.ToLower(a.Alert), a.Annotations["runbook"])
	}
}
