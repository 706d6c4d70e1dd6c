package rig_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"millwright/internal/metal"
	"millwright/internal/rig"
)

// secrets are what must stand nowhere: the passwords that this rig's programs
// use, the API's token, and anything that looks like an agent's.
func secrets(t *testing.T, r *rig.Rig) *regexp.Regexp {
	t.Helper()
	pattern := regexp.QuoteMeta(r.Token) + `|millwright\.token|[Bb]earer [0-9a-f]{16}`
	for _, name := range []string{"switch", "bmc"} {
		text, err := os.ReadFile(filepath.Join(r.Dir, "credentials", name))
		require.NoError(t, err)
		lines := regexp.MustCompile(`\n`).Split(string(text), 3)
		pattern += "|" + regexp.QuoteMeta(lines[1])
	}
	password := regexp.MustCompile(`://[^:]+:([^@]+)@`).FindStringSubmatch(r.Stack.DSN)
	require.NotNil(t, password)
	return regexp.MustCompile(pattern + "|" + regexp.QuoteMeta(password[1]))
}

// After a life with failures in it, no history, log, command line or row of
// ours names a secret.
func TestNoSecretStandsInAnyHistoryLogOrRow(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient})
	secret := secrets(t, r)
	require.NoError(t, r.Lab.SetFault(fault("switch/tor-r1", "login-refused", 1)))
	require.NoError(t, r.Lab.SetFault(fault("bmc/m1", "refuse-login", 1)))
	refused, err := r.Do(t.Context(), "refused", rig.Provision())
	require.NoError(t, err)
	require.Contains(t, refused.Outcome, "credentials refused")
	device := done(t, r, "first", rig.Provision()).Device
	done(t, r, "again", metal.OrderInput{Action: metal.ActionReinstall, Device: device, OperatingSystem: "ubuntu_24_04"})
	done(t, r, "gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})

	logs, err := filepath.Glob(filepath.Join(r.Stack.Dir, "*.log"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(logs), 5)
	for _, log := range logs {
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		require.NotRegexp(t, secret, string(text), log)
	}
	for _, run := range histories(t, r) {
		require.NotRegexp(t, secret, run)
	}
	dump, err := r.Store.Queries().EveryText(t.Context())
	require.NoError(t, err)
	for _, text := range dump {
		require.NotRegexp(t, secret, text)
	}
	for _, pid := range []int{r.Workers[0].PID(), r.Boot.PID(), r.Starter.PID()} {
		line, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "cmdline"))
		require.NoError(t, err)
		require.NotRegexp(t, secret, string(line))
	}
}

// histories are all histories of the namespace, as JSON; payloads are base64
// there, so their bytes are added.
func histories(t *testing.T, r *rig.Rig) (all []string) {
	t.Helper()
	listed, err := r.Client.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 1000})
	require.NoError(t, err)
	require.NotEmpty(t, listed.Executions)
	payload := regexp.MustCompile(`"data":\s*"([^"]+)"`)
	for _, e := range listed.Executions {
		events := r.Client.GetWorkflowHistory(t.Context(), e.Execution.WorkflowId, e.Execution.RunId, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(t, err)
			text := protojson.Format(event)
			for _, data := range payload.FindAllStringSubmatch(text, -1) {
				text += decoded(t, data[1])
			}
			all = append(all, text)
		}
	}
	return all
}
