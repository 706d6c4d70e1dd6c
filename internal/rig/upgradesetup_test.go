package rig_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/release"
	"millwright/internal/rig"
	"millwright/internal/stack"
	"millwright/workflows"
)

// Build IDs as the page on upgrades has them.
const (
	oldBuild = "0.7.0"
	newBuild = "0.8.0"
)

// holding are limits under which a machine whose POST never ends is waited for
// three minutes, so that what a test does meanwhile finds its run still open.
var holding = metal.Limits{Boot: time.Minute, Install: time.Minute, PhoneHome: time.Minute}

// upgrade is a rig of the previous release, on its way to this one.
type upgrade struct {
	*rig.Rig
	t        *testing.T
	old, new string // folders of programs
	page     string // what operators read
}

func upgrading(t *testing.T) *upgrade {
	t.Helper()
	old, err := release.Previous().Programs(t.Context())
	if errors.Is(err, release.ErrShallow) {
		t.Skip(err)
	}
	require.NoError(t, err)
	u := &upgrade{t: t, old: old, page: page(t)}
	u.Rig = start(t, rig.Config{Machines: 16, Programs: old, Build: oldBuild, Limits: holding, Post: span(t, "500ms")})
	u.new = u.Stack.Bin()
	u.says("upgrade", "use", oldBuild)
	return u
}

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	return string(text)
}

// says runs a command of the new release that the page on upgrades shows.
func (u *upgrade) says(args ...string) string {
	u.t.Helper()
	command := "starter " + strings.Join(args, " ")
	require.True(u.t, strings.Contains(u.page, command), "the page on upgrades does not say: %s", command)
	ctx, cancel := context.WithTimeout(u.t.Context(), 5*time.Minute)
	defer cancel()
	out, err := u.CommandOf(ctx, u.new, "starter", args...).CombinedOutput()
	require.NoError(u.t, err, "%v: %s", args, out)
	return string(out)
}

// addWorker starts a worker of another build beside those that run.
func (u *upgrade) addWorker(build string, n int) {
	u.t.Helper()
	u.Use(u.new, "worker-"+itoa(n+1))
	_, err := u.AddWorker(u.t.Context(), build, n)
	require.NoError(u.t, err)
}

// builds are those whose workers did a run's tasks.
func (u *upgrade) builds(run string) []string {
	u.t.Helper()
	by := map[string]bool{}
	events := u.Client.GetWorkflowHistory(u.t.Context(), run, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(u.t, err)
		if done := event.GetWorkflowTaskCompletedEventAttributes(); done != nil {
			by[done.GetDeploymentVersion().GetBuildId()] = true
		}
	}
	return slices.Sorted(maps.Keys(by))
}

// life provisions a device, switches it off and ends it, on one build.
func (u *upgrade) life(name, build string) {
	u.t.Helper()
	device := done(u.t, u.Rig, name, rig.Provision()).Device
	require.Equal(u.t, []string{build}, u.builds(workflows.DeviceRun(device)))
	require.Equal(u.t, []string{build}, u.builds(workflows.OrderRun(metal.OrderID(name))))
	done(u.t, u.Rig, name+"-off", metal.OrderInput{Action: metal.ActionPowerOff, Device: device})
	require.Equal(u.t, []string{build}, u.builds(workflows.DeviceRun(device)))
	done(u.t, u.Rig, name+"-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	require.Equal(u.t, []string{build}, u.builds(workflows.DeviceRun(device)))
}

// rows asks the database itself: before the migration this tree's queries may
// want what is not there.
func (u *upgrade) rows(sql string, args ...any) (found []string) {
	u.t.Helper()
	conn, err := pgx.Connect(u.t.Context(), u.Stack.DSN)
	require.NoError(u.t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(u.t.Context(), sql, args...)
	require.NoError(u.t, err)
	found, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(u.t, err)
	return found
}

// before orders a device of the previous release, whole.
func (u *upgrade) before(name string) metal.DeviceID {
	u.t.Helper()
	require.NoError(u.t, u.Order(u.t.Context(), metal.OrderID(name), rig.Provision()))
	var state []string
	for deadline := time.Now().Add(2 * time.Minute); !slices.Equal(state, []string{"done"}); time.Sleep(50 * time.Millisecond) {
		require.True(u.t, time.Now().Before(deadline), "order %s: %v", name, state)
		state = u.rows(`select state from orders where id = $1`, name)
	}
	return metal.DeviceID(u.rows(`select device::text from orders where id = $1`, name)[0])
}

// held starts a run on a device whose machine hangs in its POST, and waits until
// the run waits for it. What it returns is that machine's name in the lab: once
// free, it boots when it is switched on the next time.
func (u *upgrade) held(name string, in metal.OrderInput) []string {
	u.t.Helper()
	const of = `select 'machine/' || id from machines where coalesce(device::text, '') = $1`
	has := string(in.Device)
	if in.Action == metal.ActionProvision {
		has = "" // it gets one of those that are idle
	}
	hung := u.rows(of, has)
	for _, m := range hung {
		require.NoError(u.t, u.Lab.SetFault(lab.Fault{Target: m, Name: "never-boots"}))
	}
	require.NoError(u.t, u.Order(u.t.Context(), metal.OrderID(name), in))
	require.NoError(u.t, u.Client.GetWorkflow(u.t.Context(), workflows.OrderRun(metal.OrderID(name)), "").Get(u.t.Context(), nil)) // it has begun the device's run
	require.True(u.t, atStep(u.t, u.Rig, workflows.DeviceRun(in.Device), workflows.StepAgent), "%s does not wait for its machine", name)
	its := u.rows(of, string(in.Device))
	require.Len(u.t, its, 1)
	u.free(slices.DeleteFunc(hung, func(m string) bool { return m == its[0] })...)
	return its
}

func (u *upgrade) free(machines ...string) {
	u.t.Helper()
	for _, m := range machines {
		require.NoError(u.t, u.Lab.ClearFaults(m))
	}
}

func provisionOf(device metal.DeviceID) metal.OrderInput {
	in := rig.Provision()
	in.Device = device
	return in
}

// changeover exchanges boot and starter while machines boot, one of them ordered
// from the new starter.
func (u *upgrade) changeover(bin, name string) {
	u.t.Helper()
	var orders []string
	for n := range 4 {
		orders = append(orders, name+"-"+itoa(n))
		in := provisionOf(metal.DeviceID(fmt.Sprintf("%08x-0000-4000-8000-00000000000%d", len(name), n)))
		require.NoError(u.t, u.Order(u.t.Context(), metal.OrderID(orders[n]), in))
		require.True(u.t, atStep(u.t, u.Rig, workflows.DeviceRun(in.Device), workflows.StepAgent))
	}
	u.exchange(bin, u.Boot, "boot")
	u.exchange(bin, u.Starter, "starter")
	orders = append(orders, name+"-by-http")
	require.Equal(u.t, http.StatusAccepted, post(u.t, u.Rig, name+"-by-http", `{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`))
	for _, id := range orders {
		status := ended(u.t, u.Rig, metal.OrderID(id))
		require.Equal(u.t, "done", status.State, "%s: %s", id, status.Outcome)
		done(u.t, u.Rig, id+"-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: status.Device})
	}
}

// exchange ends a program and starts the one of another folder in its place. It
// is killed: that a polite end loses nothing either is the smaller claim.
func (u *upgrade) exchange(bin string, part *stack.Part, name string) {
	u.t.Helper()
	u.Use(bin, name)
	part.Kill()
	require.NoError(u.t, part.Start(u.t.Context()))
}

// open requires that runs are open.
func (u *upgrade) open(runs ...string) {
	u.t.Helper()
	for _, run := range runs {
		described, err := u.Client.DescribeWorkflowExecution(u.t.Context(), run, "")
		require.NoError(u.t, err)
		require.Equal(u.t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, described.WorkflowExecutionInfo.Status, run)
	}
}

// finish awaits orders, all done.
func (u *upgrade) finish(orders ...string) {
	u.t.Helper()
	for _, id := range orders {
		status := ended(u.t, u.Rig, metal.OrderID(id))
		require.Equal(u.t, "done", status.State, "%s: %s", id, status.Outcome)
	}
}
