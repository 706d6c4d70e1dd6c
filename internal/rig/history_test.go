package rig_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"
)

// TestRecordHistories runs each kind of run once, and checks that an
// undisturbed provision stays small. Told where by MILLWRIGHT_RECORD, it writes
// the histories that workflows' replay test reads (`make histories`).
func TestRecordHistories(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Every: time.Hour, Post: span(t, "500ms"), Limits: metal.Limits{Boot: 3 * time.Second, Install: 10 * time.Second, PhoneHome: 20 * time.Second}})

	device := done(t, r, "one", rig.Provision()).Device
	record(t, r, "order", "order/one")
	provision := record(t, r, "provision", workflows.DeviceRun(device))
	require.LessOrEqual(t, len(provision.Events), 120, "an undisturbed provision grows too long")

	done(t, r, "two", metal.OrderInput{Action: metal.ActionReinstall, Device: device, OperatingSystem: "ubuntu_24_04"})
	record(t, r, "reinstall", workflows.DeviceRun(device))
	done(t, r, "rescued", metal.OrderInput{Action: metal.ActionRescue, Device: device})
	record(t, r, "rescue", workflows.DeviceRun(device))
	done(t, r, "three", metal.OrderInput{Action: metal.ActionPowerOff, Device: device})
	record(t, r, "power-off", workflows.DeviceRun(device))
	done(t, r, "four", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	record(t, r, "deprovision", workflows.DeviceRun(device))

	// The next machine to be claimed is dead.
	require.NoError(t, r.Lab.SetFault(lab.Fault{Target: "machine/m1", Name: "never-boots"}))
	device = done(t, r, "five", rig.Provision()).Device
	record(t, r, "provision-another-machine", workflows.DeviceRun(device))
	moves(t, r, device)

	cancelled := rig.Provision()
	cancelled.Device = "22222222-2222-4222-8222-222222222222"
	require.NoError(t, r.Order(t.Context(), "six", cancelled))
	require.True(t, atStep(t, r, workflows.DeviceRun(cancelled.Device), workflows.StepAgent))
	require.NoError(t, r.Client.CancelWorkflow(t.Context(), workflows.DeviceRun(cancelled.Device), ""))
	require.Equal(t, "failed", ended(t, r, "six").State)
	record(t, r, "provision-cancelled", workflows.DeviceRun(cancelled.Device))

	terminated := rig.Provision()
	terminated.Device = "33333333-3333-4333-8333-333333333333"
	require.NoError(t, r.Order(t.Context(), "seven", terminated))
	require.True(t, atStep(t, r, workflows.DeviceRun(terminated.Device), workflows.StepAgent))
	require.NoError(t, r.Client.TerminateWorkflow(t.Context(), workflows.DeviceRun(terminated.Device), "", "for a history of Recover"))
	reconciled := reconcile(t, r)
	require.Equal(t, "failed", ended(t, r, "seven").State)
	record(t, r, "recover", workflows.DeviceRun(terminated.Device))
	record(t, r, "reconcile", reconciled)
	warm(t, r)
	errands(t, r)
	lasting(t, r)
	fleets(t, r)
}

// errands records the runs on a machine that no device lives on, and a patrol.
func errands(t *testing.T, r *rig.Rig) {
	t.Helper()
	const machine = "m7"
	in := workflows.MachineInput{Machine: machine, Site: rig.Site}
	for _, e := range []struct {
		name     string
		workflow any
	}{{"inspect", workflows.Inspect}, {"commission", workflows.Commission}, {"retire", workflows.Retire}} {
		run, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(workflows.MachineRun(machine)), e.workflow, in)
		require.NoError(t, err)
		require.NoError(t, run.Get(t.Context(), nil), e.name)
		record(t, r, e.name, workflows.MachineRun(machine))
	}
	run, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(workflows.PatrolRun(rig.Site)), workflows.Patrol, workflows.PatrolInput{Site: rig.Site})
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
	record(t, r, "patrol", workflows.PatrolRun(rig.Site))
}

// warm records a machine that waits, and an order that finds it.
func warm(t *testing.T, r *rig.Rig) {
	t.Helper()
	run, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(workflows.MachineRun("m8")), workflows.Warm,
		workflows.MachineInput{Machine: "m8", Site: rig.Site})
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), nil))
	record(t, r, "warm", workflows.MachineRun("m8"))
	device := done(t, r, "eight", rig.Provision()).Device
	record(t, r, "provision-warm", workflows.DeviceRun(device))
	m, err := r.Store.Queries().MachineOfDevice(t.Context(), string(device))
	require.NoError(t, err)
	require.Equal(t, "m8", m.ID)
}

// moves records the runs that take no device: an elastic address assigned, a
// switch compared with what it should be.
func moves(t *testing.T, r *rig.Rig, device metal.DeviceID) {
	t.Helper()
	reserved, err := r.Store.Reserve(t.Context(), metal.ReservationWish{
		ID: "6a1b8f1e-6a55-4c1a-9a65-0d3b2f6a7b14", Project: "acme", Site: rig.Site, Family: 4, Bits: 32,
	})
	require.NoError(t, err)
	require.NoError(t, r.Move(t.Context(), reserved.ID, reserved.Prefix, device))
	record(t, r, "address", workflows.AddressRun(string(reserved.ID)))

	switches, err := r.Store.Switches(t.Context())
	require.NoError(t, err)
	check, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(workflows.SwitchRun(switches[0].ID)), workflows.CheckSwitch,
		workflows.SwitchInput{Switch: switches[0].ID, Site: rig.Site, Repair: true})
	require.NoError(t, err)
	require.NoError(t, check.Get(t.Context(), nil))
	record(t, r, "check-switch", workflows.SwitchRun(switches[0].ID))
}

// reconcile runs Reconcile until it has found something, and returns its
// workflow ID.
func reconcile(t *testing.T, r *rig.Rig) string {
	t.Helper()
	const id = "reconcile-by-hand"
	require.Eventually(t, func() bool {
		run, err := r.Client.ExecuteWorkflow(t.Context(), startOptions(id), workflows.Reconcile)
		var result workflows.ReconcileResult
		return err == nil && run.Get(t.Context(), &result) == nil && result.Devices > 0
	}, time.Minute, time.Second)
	return id
}

// record fetches the newest history of a workflow once it is closed, and writes
// it where it is asked to.
func record(t *testing.T, r *rig.Rig, scenario, id string) *history.History {
	t.Helper()
	_ = r.Client.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil) // closed, however it ended
	var h history.History
	events := r.Client.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		h.Events = append(h.Events, event)
	}
	if dir := os.Getenv("MILLWRIGHT_RECORD"); dir != "" {
		raw, err := protojson.MarshalOptions{Indent: " "}.Marshal(&h)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, scenario+".json"), raw, 0o644))
	}
	return &h
}

// atStep waits until a run says that it is at a step; false where it closed
// first.
func atStep(t *testing.T, r *rig.Rig, run, step string) bool {
	t.Helper()
	reached := false
	require.Eventually(t, func() bool {
		answer, err := r.Client.QueryWorkflow(t.Context(), run, "", workflows.StatusQuery)
		var status workflows.Status
		reached = err == nil && answer.Get(&status) == nil && status.Step == step
		described, err := r.Client.DescribeWorkflowExecution(t.Context(), run, "")
		return reached || err == nil && described.WorkflowExecutionInfo.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	}, time.Minute, 5*time.Millisecond)
	return reached
}
