package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
)

// Status is what a run answers when asked: the step, on what, since when, and
// what ends it. What only the server knows (last error, attempt, next attempt)
// is in DescribeWorkflowExecution.
type Status struct {
	Step     string          `json:"step"`
	On       string          `json:"on"`                 // machine, port or order
	Since    time.Time       `json:"since"`              // when the step began
	Deadline time.Time       `json:"deadline,omitzero"`  // of a wait
	Awaits   string          `json:"awaits,omitempty"`   // what would end the wait
	Next     string          `json:"next,omitempty"`     // what happens at the deadline
	Machine  metal.MachineID `json:"machine,omitempty"`  // claimed machine
	Attempt  int             `json:"machines,omitempty"` // how many machines were tried
	Turn     *metal.Turn     `json:"turn,omitempty"`     // in the line for a machine
	Fleet    *FleetCount     `json:"fleet,omitempty"`    // of a Fleet
}

// run is what every workflow of this package has: a status to show, reports it
// heard, and the activity call that an update may hurry.
type run struct {
	status  Status
	attempt *attemptUnderWay
	heard   map[bootOf]map[metal.ReportKind]metal.Report
	plan    metal.PlanID // of the device or machine that is held; empty before that, and for runs on neither
}

// bootOf is one boot of one machine: numbers count by machine, and a run may
// hear of the machine that it gave up while it waits for the next one.
type bootOf struct {
	machine metal.MachineID
	number  metal.BootNumber
}

// newRun registers the handlers, before anything yields.
func newRun(ctx workflow.Context) (*run, error) {
	r := &run{heard: map[bootOf]map[metal.ReportKind]metal.Report{}}
	if err := workflow.SetQueryHandler(ctx, StatusQuery, func() (Status, error) { return r.status, nil }); err != nil {
		return nil, err
	}
	return r, workflow.SetUpdateHandlerWithOptions(ctx, RetryNow, r.retryNow,
		workflow.UpdateHandlerOptions{Validator: r.canRetry})
}

func (r *run) canRetry(workflow.Context) error {
	if r.attempt == nil {
		return fmt.Errorf("nothing to retry: the run is at step %s and waits for %s", r.status.Step, r.status.Awaits)
	}
	return nil
}

// retryNow hurries the activity call under way, and answers with what it is.
func (r *run) retryNow(workflow.Context) (string, error) {
	if r.attempt == nil {
		return "nothing to retry", nil
	}
	r.attempt.again = true
	r.attempt.cancel()
	return "retrying: " + r.attempt.summary, nil
}

// enter begins a step: for the query, for people reading the UI, and for lists.
func (r *run) enter(ctx workflow.Context, step, on string, also ...temporal.SearchAttributeUpdate) error {
	r.measure(ctx, outcome(nil))
	r.status = Status{Step: step, On: on, Since: workflow.Now(ctx), Machine: r.status.Machine, Attempt: r.status.Attempt}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** on %s", step, on))
	if brief[step] && len(also) == 0 {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, append(also, StepAttr.ValueSet(step))...)
}

// brief steps are one transaction of ours. Lists, which are seconds behind,
// would show them when they are over; each word to the lists costs the server
// and its database as much as the step itself. The query and the current
// details name them all the same.
var brief = map[string]bool{StepBoot: true, StepCompare: true, StepDisk: true, StepActivate: true, StepSettle: true}

// await waits until the machine reports one of the kinds for this boot, or the
// limit has passed. Reports of other boots are late ones, of an earlier boot or
// another machine, and say nothing; kinds that come early are kept.
func (r *run) await(ctx workflow.Context, boot bootOf, limit time.Duration, next string, kinds ...metal.ReportKind) (metal.Report, bool, error) {
	r.status.Awaits = fmt.Sprintf("%s of boot %d", kinds[0], boot.number)
	r.status.Deadline = workflow.Now(ctx).Add(limit)
	r.status.Next = next
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** on %s: waits for %s until %s, then: %s",
		r.status.Step, r.status.On, r.status.Awaits, r.status.Deadline.UTC().Format(time.RFC3339), next))
	defer func() { r.status.Awaits, r.status.Next, r.status.Deadline = "", "", time.Time{} }()

	timed, stop := workflow.WithCancel(ctx)
	defer stop()
	timer := workflow.NewTimerWithOptions(timed, limit, workflow.TimerOptions{Summary: r.status.Awaits + ", else " + next})
	selector := workflow.NewSelector(ctx)
	expired := false
	selector.AddFuture(timer, func(workflow.Future) { expired = true })
	selector.AddReceive(workflow.GetSignalChannel(ctx, ReportSignal), func(c workflow.ReceiveChannel, _ bool) { r.hear(ctx, c) })
	for {
		for _, kind := range append(kinds, metal.AgentFail) {
			if report, ok := r.heard[boot][kind]; ok {
				return report, true, nil
			}
		}
		if expired || ctx.Err() != nil {
			return metal.Report{}, false, ctx.Err()
		}
		selector.Select(ctx)
	}
}

func (r *run) hear(ctx workflow.Context, c workflow.ReceiveChannel) {
	var report metal.Report
	c.Receive(ctx, &report)
	boot := bootOf{report.Machine, report.Boot}
	if r.heard[boot] == nil {
		r.heard[boot] = map[metal.ReportKind]metal.Report{}
	}
	r.heard[boot][report.Kind] = report
}

// forget drops what was heard of a boot, before the machine is powered again
// under the same number.
func (r *run) forget(boot bootOf) { delete(r.heard, boot) }

// finish drains what nobody will wait for any more, so that closing does not
// race with a signal, and counts how the run ended.
func (r *run) finish(ctx workflow.Context, err error) {
	r.measure(ctx, outcome(err))
	run := workflow.GetMetricsHandler(ctx).WithTags(map[string]string{
		"run": workflow.GetInfo(ctx).WorkflowType.Name, "plan": string(r.plan), "outcome": outcome(err),
	})
	run.Timer("millwright_run_duration").Record(workflow.Now(ctx).Sub(workflow.GetInfo(ctx).WorkflowStartTime))
	reports, turns := workflow.GetSignalChannel(ctx, ReportSignal), workflow.GetSignalChannel(ctx, TurnSignal)
	for reports.ReceiveAsync(&metal.Report{}) || turns.ReceiveAsync(nil) {
	}
}

// measure records how long the step took that ends here, and how it ended.
func (r *run) measure(ctx workflow.Context, outcome string) {
	if r.status.Step == "" {
		return
	}
	step := workflow.GetMetricsHandler(ctx).WithTags(map[string]string{
		"run": workflow.GetInfo(ctx).WorkflowType.Name, "plan": string(r.plan), "step": r.status.Step, "outcome": outcome,
	})
	step.Timer("millwright_step_duration").Record(workflow.Now(ctx).Sub(r.status.Since))
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "done"
	case temporal.IsCanceledError(err):
		return "canceled"
	case isType(err, UndoFailed):
		return "stuck"
	}
	return "failed"
}

// failure makes a typed error that no retry mends.
func failure(kind, format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), kind, nil)
}
