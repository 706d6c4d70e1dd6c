package rig_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"
)

// steered is a kind of run that an operator interrupts, at each activity that
// it schedules and each wait that it begins.
type steered struct {
	name    string
	action  metal.OrderInput // on a device that is active; a provision where empty
	moments int
	ends    []string // states that the device may end in
}

var steerable = []steered{
	{"provision", metal.OrderInput{}, 11, []string{"active", "failed"}},
	{"reinstall", metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "ubuntu_24_04"}, 11, []string{"active", "failed"}},
	{"deprovision", metal.OrderInput{Action: metal.ActionDeprovision}, 8, []string{"deleted"}},
}

// button is what an operator presses, with the last workflow task that is done.
type button func(ctx context.Context, r *rig.Rig, run string, task int64) error

// People press Terminate in the Temporal UI, and no cleanup runs. Reconcile
// finds what was left.
func TestARunTerminatedAtAnyMomentIsCleanedUp(t *testing.T) {
	t.Parallel()
	atEachMoment(t, func(ctx context.Context, r *rig.Rig, run string, _ int64) error {
		return r.Client.TerminateWorkflow(ctx, run, "", "a test of the button")
	})
}

// People press Reset, and the run goes on from an earlier event as a new one;
// whatever the old one did stays done.
func TestARunResetAtAnyMomentStillEndsWell(t *testing.T) {
	t.Parallel()
	atEachMoment(t, func(ctx context.Context, r *rig.Rig, run string, task int64) error {
		_, err := r.Client.ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: run},
			Reason: "a test of the button", WorkflowTaskFinishEventId: task, RequestId: uuid.NewString(),
		})
		return err
	})
}

// A reset to a run's first task replays all of it, on a device that is the
// tenant's by then.
func TestAClosedRunThatIsResetToItsBeginningTouchesNothing(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient, Every: time.Hour})
	device := done(t, r, "first", rig.Provision()).Device
	before := r.Lab.Machines()
	run := workflows.DeviceRun(device)
	_, err := r.Client.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: run},
		Reason: "a test of the button", WorkflowTaskFinishEventId: 4, RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
	require.ErrorContains(t, r.Client.GetWorkflow(t.Context(), run, "").Get(t.Context(), nil), "WrongState")
	d, err := r.Store.Queries().GetDevice(t.Context(), string(device))
	require.NoError(t, err)
	require.Equal(t, "active", d.State)
	for i, m := range r.Lab.Machines() {
		require.Equal(t, before[i].PowerOns, m.PowerOns, "machine %s was touched", m.ID)
	}
}

// atEachMoment interrupts each kind of run at each of its moments, all side by
// side, and requires that every device settles, and that nothing is left once
// all are taken apart.
func atEachMoment(t *testing.T, press button) {
	r := start(t, rig.Config{Machines: 48, Every: time.Second, Limits: patient, Post: span(t, "300ms")})
	slowly(t, r)
	var side sync.WaitGroup
	var pressed atomic.Int32
	moments := 0
	for _, s := range steerable {
		for moment := range s.moments {
			moments++
			side.Go(func() {
				if interrupt(t, r, s, moment+1, press) {
					pressed.Add(1)
				}
			})
		}
	}
	side.Wait()
	require.False(t, t.Failed())
	require.Greater(t, int(pressed.Load()), moments*2/3, "most runs are interrupted while they are open")
	orders := map[metal.OrderID]metal.OrderInput{}
	for i, d := range living(t, r) {
		orders[metal.OrderID(fmt.Sprintf("sweep-%d", i))] = metal.OrderInput{Action: metal.ActionDeprovision, Device: d}
	}
	allDone(t, all(t, r, orders))
	clean(t, r)
}

// slowly gives every step some time, so that a button can be pressed in it.
func slowly(t *testing.T, r *rig.Rig) {
	t.Helper()
	pause := lab.Duration(200 * time.Millisecond)
	for _, sw := range r.Lab.Switches() {
		require.NoError(t, r.Lab.SetFault(lab.Fault{Target: "switch/" + string(sw.ID), Name: "commit-slow", Delay: pause}))
	}
	for _, m := range r.Lab.Machines() {
		require.NoError(t, r.Lab.SetFault(lab.Fault{Target: "machine/" + string(m.ID), Name: "slow", Delay: pause}))
		require.NoError(t, r.Lab.SetFault(lab.Fault{Target: "bmc/" + string(m.ID), Name: "slow-login", Delay: pause}))
	}
}

// interrupt presses the button at one moment of one run, and waits until the
// device has settled. False says that the run had closed before.
func interrupt(t *testing.T, r *rig.Rig, s steered, moment int, press button) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	id := metal.OrderID(fmt.Sprintf("%s-%d", s.name, moment))
	in := s.action
	if in.Action == "" {
		in = rig.Provision()
		in.Device = metal.DeviceID(uuid.NewString())
	} else {
		before, err := r.Do(ctx, id+"-before", rig.Provision())
		if !assert.NoError(t, err) || !assert.Equal(t, "done", before.State, before.Outcome) {
			return false
		}
		in.Device = before.Device
	}
	if !assert.NoError(t, r.Order(ctx, id, in)) {
		return false
	}
	task, open := atMoment(ctx, r, in.Device, id, moment)
	hit := open && press(ctx, r, workflows.DeviceRun(in.Device), task) == nil
	assert.Eventually(t, func() bool {
		d, err := r.Store.Queries().GetDevice(ctx, string(in.Device))
		order, err2 := r.Store.Order(ctx, id)
		return err == nil && err2 == nil && slices.Contains(s.ends, d.State) && (order.State == "done" || order.State == "failed")
	}, 3*time.Minute, 100*time.Millisecond, "%s, moment %d: device %s never settled", s.name, moment, in.Device)
	return hit
}

// atMoment follows the run of an order as it is written, until it has
// scheduled an activity or begun a wait for the n-th time. It answers with the
// last workflow task done by then; false where the run closed first.
func atMoment(ctx context.Context, r *rig.Rig, device metal.DeviceID, order metal.OrderID, n int) (task int64, open bool) {
	execution, err := runOf(ctx, r, device, order)
	if err != nil {
		return 0, false
	}
	seen := 0
	events := r.Client.GetWorkflowHistory(ctx, workflows.DeviceRun(device), execution, true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return 0, false
		}
		switch event.EventType {
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			task = event.EventId
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enums.EVENT_TYPE_TIMER_STARTED:
			if seen++; seen == n {
				return task, true
			}
		}
	}
	return 0, false
}

// runOf is the execution that an order started on its device.
func runOf(ctx context.Context, r *rig.Rig, device metal.DeviceID, order metal.OrderID) (string, error) {
	var result workflows.OrderResult
	if err := r.Client.GetWorkflow(ctx, workflows.OrderRun(order), "").Get(ctx, &result); err != nil {
		return "", err
	}
	described, err := r.Client.DescribeWorkflowExecution(ctx, workflows.DeviceRun(device), "")
	if err != nil {
		return "", err
	}
	return described.WorkflowExecutionInfo.Execution.RunId, nil
}

func living(t *testing.T, r *rig.Rig) (all []metal.DeviceID) {
	t.Helper()
	devices, err := r.Store.Queries().ListDevices(t.Context(), listAll)
	require.NoError(t, err)
	for _, d := range devices {
		all = append(all, metal.DeviceID(d.ID))
	}
	return all
}
