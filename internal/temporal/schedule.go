package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"millwright/workflows"
)

// reconcileRun begins the workflow ID of each Reconcile; Temporal adds the
// moment for which it was scheduled.
const reconcileRun = "reconcile"

// catchUp is how late a Reconcile may still start: after an outage one is
// enough, because each looks at everything. Temporal's own default is a year.
const catchUp = time.Minute

// schedule creates the schedule of Reconcile, or brings an existing one to this
// interval. Somebody's pause of it stays.
func schedule(ctx context.Context, c client.Client, every time.Duration) error {
	want := client.ScheduleOptions{
		ID:   workflows.ReconcileSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		Action: &client.ScheduleWorkflowAction{
			ID: reconcileRun, Workflow: workflows.Reconcile, TaskQueue: workflows.ControlQueue,
		},
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: catchUp,
	}
	_, err := c.ScheduleClient().Create(ctx, want)
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = c.ScheduleClient().GetHandle(ctx, want.ID).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				s := in.Description.Schedule
				s.Spec, s.Action = &want.Spec, want.Action
				s.Policy = &client.SchedulePolicies{Overlap: want.Overlap, CatchupWindow: want.CatchupWindow}
				return &client.ScheduleUpdate{Schedule: &s}, nil
			},
		})
	}
	if err != nil {
		return fmt.Errorf("schedule %s every %s: %w", want.ID, every, err)
	}
	return nil
}
