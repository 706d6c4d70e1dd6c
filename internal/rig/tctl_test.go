package rig_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/rig"
)

var listAll = query.ListDevicesParams{}

// Scripts and operators order with the clients that they have: any of them
// starts an Order from a JSON file.
func TestOrdersByTctlAndTemporal(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient})
	for name, client := range map[string]func(t *testing.T, id, file string){
		"tctl":     func(t *testing.T, id, file string) { tctl(t, r, id, file) },
		"temporal": func(t *testing.T, id, file string) { temporalCLI(t, r, id, file) },
	} {
		t.Run(name, func(t *testing.T) {
			order := file(t, `{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12","hostname":"by-`+name+`"}`)
			client(t, name+"-1", order)
			first := ended(t, r, metal.OrderID(name+"-1"))
			require.Equal(t, "done", first.State, first.Outcome)

			client(t, name+"-1", order) // again: nothing happens twice
			require.Never(t, func() bool { return len(living(t, r)) != 1 }, 2*time.Second, 100*time.Millisecond)

			client(t, name+"-2", file(t, `{"action":"deprovision","device":"`+string(first.Device)+`"}`))
			require.Equal(t, "done", ended(t, r, metal.OrderID(name+"-2")).State)
			clean(t, r)
		})
	}
}

func TestADeprovisionInTheMiddleOfAProvisionIsNotLost(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient, Post: span(t, "2s")})
	in := rig.Provision()
	in.Device = "11111111-1111-4111-8111-111111111111"
	require.NoError(t, r.Order(t.Context(), "begin", in))
	progress(t, r, 6)
	tctl(t, r, "end", file(t, `{"action":"deprovision","device":"`+string(in.Device)+`"}`))
	require.Equal(t, "done", ended(t, r, "end").State)
	require.Equal(t, "failed", ended(t, r, "begin").State, "the provision was cancelled")
	clean(t, r)
}

func TestMalformedOrdersFailAtOnceAndNameTheField(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient})
	for body, field := range map[string]string{
		`{"action":"provision","projekt":"acme"}`:                              "projekt",
		`{"action":"explode","device":"11111111-1111-4111-8111-111111111111"}`: "action",
		`{"action":"deprovision","device":"NOT-A-UUID"}`:                       "device",
		`[]`: "input",
		`{"action":"provision","project":"acme","site":"nowhere","plan":"c1.small","operating_system":"debian_12"}`: "site",
	} {
		id := "bad-" + field
		tctl(t, r, id, file(t, body))
		err := r.Client.GetWorkflow(t.Context(), "order/"+id, "").Get(t.Context(), nil)
		require.ErrorContains(t, err, "InvalidOrder", body)
		require.ErrorContains(t, err, field, body)
	}
	clean(t, r)
}

// tctl starts an Order as docs/operations.md says.
func tctl(t *testing.T, r *rig.Rig, id, file string) {
	t.Helper()
	out, err := r.Command(t.Context(), "tctl", "--address", r.Stack.Frontend, "--namespace", "default",
		"workflow", "start", "--taskqueue", "control", "--workflow_type", "Order", "--workflow_id", "order/"+id,
		"--execution_timeout", "0", "--input_file", file).CombinedOutput()
	require.NoError(t, err, string(out))
}

// temporalCLI does the same with the newer client.
func temporalCLI(t *testing.T, r *rig.Rig, id, file string) {
	t.Helper()
	out, err := r.Command(t.Context(), "temporal", "--address", r.Stack.Frontend, "workflow", "start",
		"--task-queue", "control", "--type", "Order", "--workflow-id", "order/"+id, "--input-file", file).CombinedOutput()
	require.NoError(t, err, string(out))
}

func file(t *testing.T, body string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "order.json")
	require.NoError(t, os.WriteFile(name, []byte(body), 0o600))
	return name
}

func ended(t *testing.T, r *rig.Rig, id metal.OrderID) metal.OrderStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	status, err := r.Await(ctx, id)
	require.NoError(t, err)
	return status
}
