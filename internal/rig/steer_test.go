package rig_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"
)

// steered is a run that an operator stops, at some number of its history's
// events.
type steered struct {
	name   string
	action metal.OrderInput // on a device that is active; a provision if empty
	ends   []string         // states that the device may end in
}

var steerable = []steered{
	{"provision", metal.OrderInput{}, []string{"active", "failed"}},
	{"reinstall", metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "ubuntu_24_04"}, []string{"active", "failed"}},
	{"deprovision", metal.OrderInput{Action: metal.ActionDeprovision}, []string{"deleted"}},
}

// People press Terminate in the Temporal UI, and no cleanup runs. Reconcile
// finds what was left.
func TestARunTerminatedAtAnyStepIsCleanedUp(t *testing.T) {
	t.Parallel()
	eachStep(t, func(ctx context.Context, r *rig.Rig, run string) error {
		return r.Client.TerminateWorkflow(ctx, run, "", "a test of the button")
	})
}

// People press Reset, and the run goes on from an earlier event as a new one;
// whatever the old one did stays done.
func TestARunResetAtAnyStepStillEndsWell(t *testing.T) {
	t.Parallel()
	eachStep(t, func(ctx context.Context, r *rig.Rig, run string) error {
		task, err := lastTask(ctx, r, run)
		if err != nil {
			return err
		}
		_, err = r.Client.ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: run},
			Reason: "a test of the button", WorkflowTaskFinishEventId: task, RequestId: uuid.NewString(),
		})
		return err
	})
}

// eachStep stops each kind of run at each of its steps, all on devices of
// their own, side by side.
func eachStep(t *testing.T, stop func(context.Context, *rig.Rig, string) error) {
	r := start(t, rig.Config{Machines: 48, Every: time.Second, Limits: patient})
	var stopped atomic.Int32
	t.Run("all", func(t *testing.T) {
		for _, s := range steerable {
			for _, step := range stepsOf(s.name) {
				t.Run(s.name+"/"+step, func(t *testing.T) {
					t.Parallel()
					if stopAt(t, r, s, step, stop) {
						stopped.Add(1)
					}
				})
			}
		}
	})
	require.Greater(t, int(stopped.Load()), 12, "most runs are stopped where they should be")
	var orders = map[metal.OrderID]metal.OrderInput{}
	for i, d := range living(t, r) {
		orders[metal.OrderID(fmt.Sprintf("sweep-%d", i))] = metal.OrderInput{Action: metal.ActionDeprovision, Device: d}
	}
	allDone(t, all(t, r, orders))
	clean(t, r)
}

func stepsOf(name string) []string {
	steps := []string{workflows.StepClaim, workflows.StepPort, workflows.StepBoot, workflows.StepPower, workflows.StepAgent}
	if name == "deprovision" {
		return append(steps, workflows.StepErase, workflows.StepRelease)
	}
	return append(steps, workflows.StepInstall, workflows.StepOpen, workflows.StepDisk, workflows.StepPhone, workflows.StepActivate)
}

// stopAt stops one run when it has entered a step, and requires that its device
// settles. False says that the run was too fast.
func stopAt(t *testing.T, r *rig.Rig, s steered, step string, stop func(context.Context, *rig.Rig, string) error) bool {
	id := metal.OrderID(uuid.NewString())
	in := s.action
	if in.Action == "" {
		in = rig.Provision()
		in.Device = metal.DeviceID(uuid.NewString())
	} else {
		in.Device = done(t, r, string(id)+"-before", rig.Provision()).Device
	}
	require.NoError(t, r.Order(t.Context(), id, in))
	hit := atStep(t, r, workflows.DeviceRun(in.Device), step) && stop(t.Context(), r, workflows.DeviceRun(in.Device)) == nil
	require.Eventually(t, func() bool {
		d, err := r.Store.Queries().GetDevice(t.Context(), string(in.Device))
		order, err2 := r.Store.Order(t.Context(), id)
		return err == nil && err2 == nil && contains(s.ends, d.State) && (order.State == "done" || order.State == "failed")
	}, 2*time.Minute, 50*time.Millisecond, "device %s never settled", in.Device)
	return hit
}

// atStep waits until the run says that it has reached a step, and not passed
// beyond; false where it closed first.
func atStep(t *testing.T, r *rig.Rig, run, step string) bool {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		answer, err := r.Client.QueryWorkflow(t.Context(), run, "", workflows.StatusQuery)
		var status workflows.Status
		if err == nil && answer.Get(&status) == nil && status.Step == step {
			return true
		}
		described, err := r.Client.DescribeWorkflowExecution(t.Context(), run, "")
		if err == nil && described.WorkflowExecutionInfo.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return false
		}
	}
	return false
}

// lastTask is the newest workflow task to which a run can be reset.
func lastTask(ctx context.Context, r *rig.Rig, run string) (int64, error) {
	var task int64
	events := r.Client.GetWorkflowHistory(ctx, run, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		var event *history.HistoryEvent
		event, err := events.Next()
		if err != nil {
			return 0, err
		}
		if event.EventType == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			task = event.EventId
		}
	}
	return task, nil
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

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
