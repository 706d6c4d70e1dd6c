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

	"millwright/internal/bmc/ipmitest"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/vault"
)

// secretsOf are what must stand nowhere: the passwords that this rig's programs
// use, given and made, the API's token, and anything that looks like an agent's.
func secretsOf(t *testing.T, r *rig.Rig, made ...string) *regexp.Regexp {
	t.Helper()
	pattern := regexp.QuoteMeta(r.Token) + `|millwright\.token|[Bb]earer [0-9a-f]{16}`
	for _, name := range []string{"switch", "bmc"} {
		text, err := os.ReadFile(filepath.Join(r.Dir, "credentials", name))
		require.NoError(t, err)
		lines := regexp.MustCompile(`\n`).Split(string(text), 3)
		made = append(made, lines[1])
	}
	password := regexp.MustCompile(`://[^:]+:([^@]+)@`).FindStringSubmatch(r.Stack.DSN)
	require.NotNil(t, password)
	keyset, err := os.ReadFile(filepath.Join(r.Dir, "credentials", vault.FileName))
	require.NoError(t, err)
	for _, key := range regexp.MustCompile(`"value":"([^"]+)"`).FindAllStringSubmatch(string(keyset), -1) {
		pattern += "|" + regexp.QuoteMeta(key[1])
	}
	for _, secret := range append(made, password[1]) {
		pattern += "|" + anyForm(secret)
	}
	return regexp.MustCompile(pattern)
}

// After a life with failures in it, on BMCs with passwords that we made, no
// history, log, command line, row or error has a secret in it.
func TestNoSecretStandsInAnyHistoryLogOrRow(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient})
	made := append(rotated(t, r), ipmitest.Password, wrongPassword)
	secret := secretsOf(t, r, made...)
	stop := watched(secret)
	require.NoError(t, r.Lab.SetFault(fault("switch/tor-r1", "login-refused", 1)))
	require.NoError(t, r.Lab.SetFault(fault("bmc/m1", "refuse-login", 1)))
	refused, err := r.Do(t.Context(), "refused", rig.Provision())
	require.NoError(t, err)
	require.Contains(t, refused.Outcome, "credentials refused")
	device := done(t, r, "first", rig.Provision()).Device
	done(t, r, "again", metal.OrderInput{Action: metal.ActionReinstall, Device: device, OperatingSystem: "ubuntu_24_04"})
	done(t, r, "gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	noSecret(t, secret, "what ipmitool was started with, or an error", overIPMI(t, r))
	out, err := r.Run(t.Context(), "starter", "secrets", "rotate")
	require.NoError(t, err)
	noSecret(t, secret, "starter", out)
	out, err = r.Run(t.Context(), "starter", "secrets", "reseal")
	require.NoError(t, err)
	noSecret(t, secret, "starter", out)
	done(t, r, "after", rig.Provision())
	looks, seen := stop()
	for _, line := range seen {
		noSecret(t, secret, "a command line", line)
	}
	require.Positive(t, looks) // a look reads some hundred processes, beside whatever else runs

	// A tenant that left had its machine's BMC given another password.
	now := passwords(t, r)
	require.NotElementsMatch(t, made[:len(now)], now)
	secret = secretsOf(t, r, append(made, now...)...)
	logs, err := filepath.Glob(filepath.Join(r.Stack.Dir, "*.log"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(logs), 5)
	for _, log := range logs {
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		noSecret(t, secret, log, string(text))
	}
	for _, run := range histories(t, r) {
		noSecret(t, secret, "a history", run)
	}
	dumps := dumped(t, r)
	require.Contains(t, dumps["millwright"], "INSERT INTO public.bmc_credentials VALUES ('m1', '\\x01")
	for name, dump := range dumps {
		noSecret(t, secret, "a dump of "+name, dump)
	}
	bmcs := regexp.MustCompile(anyForm(made[0]) + "|" + anyForm(ipmitest.Password))
	for _, pid := range []int{r.Workers[0].PID(), r.Boot.PID(), r.Starter.PID()} {
		text, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "environ"))
		require.NoError(t, err)
		noSecret(t, bmcs, "an environment", string(text))
	}
}

// noSecret requires that there is no secret in a text, and prints where one is
// instead of all of it.
func noSecret(t *testing.T, secret *regexp.Regexp, where, text string) {
	t.Helper()
	at := secret.FindStringIndex(text)
	if at != nil {
		t.Errorf("%s has a secret: …%s…", where, text[max(0, at[0]-200):min(len(text), at[1]+20)])
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
