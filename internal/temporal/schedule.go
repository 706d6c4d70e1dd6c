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

// Every is how often the schedules start what they start.
type Every struct {
	Reconcile time.Duration // a look for what has no run
	Switches  time.Duration // a comparison of all switches with what they should be
	Patrol    time.Duration // a round through all machines' BMCs
}

const (
	// reconcileRun, switchesRun and patrolRun begin the workflow IDs of what the schedules
	// start; Temporal adds the moment for which each was scheduled.
	reconcileRun = "reconcile"
	switchesRun  = "switches"
	patrolRun    = "patrol"

	// catchUp is how late a scheduled run may still start: after an outage one
	// is enough, because each looks at everything. Temporal's own default is a
	// year.
	catchUp = time.Minute

	// scheduledLimit is when Temporal ends a scheduled run. Its calls give up after
	// five minutes each, so one that lasts is pinned to workers that are gone; while
	// it is open the schedule starts no other. It holds nothing.
	scheduledLimit = 30 * time.Minute
)

// schedules creates the schedules, or brings existing ones to these intervals.
func schedules(ctx context.Context, c client.Client, every Every) error {
	return errors.Join(
		schedule(ctx, c, workflows.ReconcileSchedule, every.Reconcile, reconcileRun, workflows.Reconcile),
		schedule(ctx, c, workflows.SwitchesSchedule, every.Switches, switchesRun, workflows.CheckSwitches),
		schedule(ctx, c, workflows.PatrolSchedule, every.Patrol, patrolRun, workflows.Patrols))
}

// schedule creates one schedule, or brings an existing one to this interval.
// Somebody's pause of it stays.
func schedule(ctx context.Context, c client.Client, id string, every time.Duration, run string, kind any) error {
	want := client.ScheduleOptions{
		ID:   id,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		Action: &client.ScheduleWorkflowAction{
			ID: run, Workflow: kind, TaskQueue: workflows.ControlQueue, WorkflowRunTimeout: scheduledLimit,
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
