package workflows

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// profile says how patient an activity call is. Calls choose one by name,
// never by number. No profile limits attempts: time is the budget; none limits
// the time in a queue: a site whose worker restarts is no failure.
type profile struct {
	attempt   time.Duration // one attempt, always bounded
	heartbeat time.Duration // a dead worker is noticed within it; the road for cancellation
	giveUp    time.Duration // how long to go on failing before the run takes its next step
	slowest   time.Duration // longest pause between two attempts
}

var (
	// database calls are one transaction each.
	database = profile{attempt: 10 * time.Second, giveUp: 10 * time.Minute, slowest: 10 * time.Second}
	// reading looks at many things, and is tried again by a schedule anyway.
	reading = profile{attempt: time.Minute, heartbeat: 30 * time.Second, giveUp: 5 * time.Minute, slowest: 10 * time.Second}
	// device calls talk to a switch or a BMC, which may be rebooting.
	device = profile{attempt: 5 * time.Minute, heartbeat: 30 * time.Second, giveUp: 30 * time.Minute, slowest: time.Minute}
	// naming waits for a name server. Names are no reason to keep a device
	// waiting: reconcile brings them later.
	naming = profile{attempt: time.Minute, heartbeat: 30 * time.Second, giveUp: 5 * time.Minute, slowest: 30 * time.Second}
	// looking is what a person waits for.
	looking = profile{attempt: 2 * time.Minute, heartbeat: 30 * time.Second, giveUp: 5 * time.Minute, slowest: 10 * time.Second}
	// posting is one message to an endpoint, which has 15 s, and what came of it.
	posting = profile{attempt: 30 * time.Second, giveUp: 10 * time.Minute, slowest: 10 * time.Second}
	// parting is tried on the way out, where nothing rests on it.
	parting = profile{attempt: 30 * time.Second, heartbeat: 20 * time.Second, giveUp: time.Minute, slowest: 10 * time.Second}
	// admitting asks a BMC for the first time: one that does not let us in is for a
	// person to look at, and no run waits half an hour for it.
	admitting = profile{attempt: 90 * time.Second, heartbeat: 30 * time.Second, giveUp: 3 * time.Minute, slowest: 20 * time.Second}
	// patrolling is a round through a site, which goes on where it was cut off.
	patrolling = profile{attempt: time.Hour, heartbeat: 30 * time.Second, giveUp: time.Hour, slowest: time.Minute}
	// surveying looks at all of a site; reconcile begins again what gives up.
	surveying = profile{attempt: 10 * time.Minute, heartbeat: 30 * time.Second, giveUp: 30 * time.Minute, slowest: 30 * time.Second}
	// undoing must not give up because a site is dark for a night; after a day
	// the machine is quarantined and a person is called.
	undoing = profile{attempt: 5 * time.Minute, heartbeat: 30 * time.Second, giveUp: 24 * time.Hour, slowest: time.Minute}
	// settling writes what is true already: it only waits for the database.
	settling = profile{attempt: 10 * time.Second, giveUp: 24 * time.Hour, slowest: 30 * time.Second}
)

func (p profile) options(queue, summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:              queue,
		StartToCloseTimeout:    p.attempt,
		HeartbeatTimeout:       p.heartbeat,
		ScheduleToCloseTimeout: p.giveUp,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: p.slowest},
		WaitForCancellation:    true, // never unwind under an activity with its hand on the device
		Summary:                summary,
	}
}

// call runs one activity under a profile, with the compiler checking input and
// output. The retry-now update cancels the attempt under way, or its back-off,
// and starts it afresh.
func call[In, Out any](ctx workflow.Context, r *run, p profile, queue, summary string, activity func(context.Context, In) (Out, error), in In) (Out, error) {
	ctx = workflow.WithActivityOptions(ctx, p.options(queue, summary))
	for {
		var out Out
		attempt, cancel := workflow.WithCancel(ctx)
		r.attempt = &attemptUnderWay{summary: summary, cancel: cancel}
		err := workflow.ExecuteActivity(attempt, activity, in).Get(attempt, &out)
		again := r.attempt.again
		r.attempt = nil
		if again && ctx.Err() == nil && canRecur(err) {
			continue
		}
		return out, err
	}
}

// canRecur tells whether an attempt that was hurried is to be made afresh. One
// that was under way, and fails by itself before it hears that it was cancelled,
// is not tried again by Temporal, whatever budget is left.
func canRecur(err error) bool {
	var failed *temporal.ApplicationError
	return err != nil && (!errors.As(err, &failed) || !failed.NonRetryable())
}

// attemptUnderWay is the activity call that retry-now acts on.
type attemptUnderWay struct {
	summary string
	cancel  workflow.CancelFunc
	again   bool
}
