package rig_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/bill"
	"millwright/internal/metal"
	"millwright/internal/rig"
)

// biller is a billing system: one of the examples in docs/billing.md, built as
// its readers build it, with an operator's key and a project.
type biller struct {
	t       *testing.T
	r       *rig.Rig
	program []string
	key     string
	project string
}

// Both examples order in both ways, ask twice for each thing, and read what was
// used; every device is paid for once.
func TestBillingSystemsOrderAndReadUsage(t *testing.T) {
	t.Parallel()
	programs := map[string][]string{"go": goExample(t), "typescript": typescriptExample(t)}
	r := start(t, rig.Config{Limits: patient})
	key, project := paying(t, r)
	var devices []string
	for name, program := range programs {
		b := biller{t, r, program, key, project}
		input := file(t, `{"action":"provision","project":"`+project+`","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`)
		byRun := b.do("order-workflow", name+"-1", input)
		require.Equal(t, byRun, b.do("order-workflow", name+"-1", input), "the same order is the same device")
		body := file(t, `{"plan":"c1.small","operating_system":"debian_12","facility":["lab1"],"hostname":"by-`+name+`"}`)
		byAPI := b.do("order-api", name+"-2", project, body)
		require.Equal(t, byAPI, b.do("order-api", name+"-2", project, body), "the same key is the same device")
		devices = append(devices, byRun, byAPI)

		_, err := b.run("order-workflow", name+"-3", file(t, `{"action":"provision","projekt":"x"}`))
		require.ErrorContains(t, err, "exit status 1")
		told := b.do("usage", time.Now().UTC().Format("2006-01"))
		require.Contains(t, told, "the month is not over")
		for _, d := range devices {
			require.Equal(t, 1, strings.Count(told, "device/"+b.number(d)+"/"), "device %s in %s", d, told)
		}
	}
	require.Len(t, living(t, r), len(devices))
	for _, d := range devices {
		done(t, r, "gone-"+d, metal.OrderInput{Action: metal.ActionDeprovision, Device: metal.DeviceID(d)})
	}
	out, err := r.Run(t.Context(), "starter", "usage", "check")
	require.NoError(t, err, out)
	paidOnce(t, r, devices)
	clean(t, r)
}

// paidOnce holds that a period that is over reads the same twice, with each
// device's time in it once, and what it sent.
func paidOnce(t *testing.T, r *rig.Rig, devices []string) {
	t.Helper()
	args := []string{"usage", "--from", "2020-01-01", "-o", "json"}
	out, err := r.Run(t.Context(), "starter", append(args, "--to", time.Now().UTC().Add(2*time.Hour).Format(time.RFC3339))...)
	require.NoError(t, err, out)
	var report bill.Report
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	times, sent := map[string]int{}, map[string]uint64{}
	for _, u := range report.Records {
		require.False(t, u.Open && u.Kind == "device", "%s goes on", u.ID)
		if u.Kind == "device" {
			times[u.Thing]++
		}
		sent[u.Thing] += u.Bytes
	}
	for _, d := range devices {
		require.Equal(t, 1, times[d], "device %s", d)
		require.NotZero(t, sent[d], "device %s phoned home, at least", d)
	}
	past := append(args, "--to", time.Now().UTC().Add(-time.Second).Format(time.RFC3339))
	first, err := r.Run(t.Context(), "starter", past...)
	require.NoError(t, err, first)
	again, err := r.Run(t.Context(), "starter", past...)
	require.NoError(t, err, again)
	require.Equal(t, first, again)
}

func (b biller) do(args ...string) string {
	b.t.Helper()
	out, err := b.run(args...)
	require.NoError(b.t, err, out)
	return strings.TrimSpace(out)
}

func (b biller) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), 3*time.Minute)
	defer cancel()
	all := append(b.program[1:len(b.program):len(b.program)], args...)
	cmd := exec.CommandContext(ctx, b.program[0], all...)
	cmd.Env = append(os.Environ(), "TEMPORAL_ADDRESS="+b.r.Stack.Frontend,
		"MILLWRIGHT_API=http://"+b.r.API()+"/metal/v1", "MILLWRIGHT_TOKEN="+b.key)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// number is that of a device's usage, which its record's ID has.
func (b biller) number(device string) string {
	b.t.Helper()
	report, err := b.r.Store.Usage(b.t.Context(), metal.UsageAsk{Device: metal.DeviceID(device), Since: time.Unix(0, 0), Until: time.Now().Truncate(time.Second).Add(time.Hour)})
	require.NoError(b.t, err)
	for _, u := range report.Records {
		if u.Kind == metal.DeviceUsage {
			return u.Number
		}
	}
	require.Fail(b.t, "not paid for", device)
	return ""
}

// paying makes a project, and an operator with a key.
func paying(t *testing.T, r *rig.Rig) (key, project string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.Stack.DSN)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	org, user := uuid.NewString(), uuid.NewString()
	key, project = "rig-key-"+uuid.NewString(), uuid.NewString()
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`insert into organizations (id, name) values ($1, 'acme')`, []any{org}},
		{`insert into projects (id, organization, name) values ($1, $2, 'web')`, []any{project, org}},
		{`insert into users (id, email, operator) values ($1, 'billing@example.net', true)`, []any{user}},
		{`insert into api_keys (id, "user", hash) values ($1, $2, sha256($3))`, []any{uuid.NewString(), user, []byte(key)}},
	} {
		_, err := conn.Exec(t.Context(), step.sql, step.args...)
		require.NoError(t, err)
	}
	return key, project
}

const examples = "../../examples/billing"

func goExample(t *testing.T) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "billing")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, examples+"/go").CombinedOutput()
	require.NoError(t, err, string(out))
	return []string{program}
}

// typescriptExample is built in a folder of its own: what npm installs has no
// place among the sources. It asks npm's registry, and fails where there is none.
func typescriptExample(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(examples+"/typescript")))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "node_modules")))
	for _, step := range [][]string{{"npm", "ci", "--ignore-scripts"}, {"npx", "--no-install", "tsc"}} {
		cmd := exec.CommandContext(t.Context(), step[0], step[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v: %s", step, out)
	}
	return []string{"node", filepath.Join(dir, "dist", "main.js")}
}
