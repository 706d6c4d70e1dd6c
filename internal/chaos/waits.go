package main

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"millwright/workflows"
)

// waits looks for runs that wait without a deadline, while the storm goes on.
type waits struct {
	mu    sync.Mutex
	found map[string]finding // by run
	on    map[string]int     // what they waited for
}

const (
	stillFor = 15 * time.Second // after which a run that writes nothing is asked what it waits for
	askEvery = 3 * time.Second
	askLimit = 5 * time.Second
)

// watch asks runs that have been still, one after the other, until the context
// ends.
func (a *waits) watch(ctx context.Context, w *world, rec *recovery) {
	for n := 0; wait(ctx, askEvery); n++ {
		if still := rec.still(stillFor); len(still) > 0 {
			run, _, _ := strings.Cut(still[n%len(still)], " ")
			a.ask(ctx, w, run)
		}
	}
}

// ask reads what a run waits for: an activity with an end to its patience, a
// task of its own, or a wait with a deadline. Whoever cannot be asked now is
// asked later; a run that moved meanwhile is no finding.
func (a *waits) ask(ctx context.Context, w *world, run string) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	before, err := w.Client.DescribeWorkflowExecution(ctx, run, "")
	if err != nil {
		return
	}
	if bounded(before) {
		a.saw(reason(before))
		return
	}
	answer, err := w.Client.QueryWorkflow(ctx, run, before.WorkflowExecutionInfo.Execution.RunId, workflows.StatusQuery)
	if err != nil {
		return
	}
	var status workflows.Status
	if err := answer.Get(&status); err != nil {
		return
	}
	if !status.Deadline.IsZero() {
		a.saw("waits, at " + status.Step)
		return
	}
	after, err := w.Client.DescribeWorkflowExecution(ctx, run, "")
	if err != nil || after.WorkflowExecutionInfo.HistoryLength != before.WorkflowExecutionInfo.HistoryLength {
		return
	}
	a.saw("nothing")
	a.blame(run, "at step "+status.Step+" on "+status.On+", with nothing under way and no deadline")
}

// bounded says that what the run waits for has an end of its own.
func bounded(d *workflowservice.DescribeWorkflowExecutionResponse) bool {
	if d.WorkflowExecutionInfo.CloseTime != nil || d.PendingWorkflowTask != nil || len(d.PendingChildren) > 0 {
		return true
	}
	for _, activity := range d.PendingActivities {
		if activity.ExpirationTime == nil {
			return false
		}
	}
	return len(d.PendingActivities) > 0
}

// reason is what a run has under way, in words that can be counted.
func reason(d *workflowservice.DescribeWorkflowExecutionResponse) string {
	switch {
	case d.WorkflowExecutionInfo.CloseTime != nil:
		return "has ended meanwhile"
	case len(d.PendingActivities) == 0:
		return "a task of its own"
	}
	first := d.PendingActivities[0]
	words := first.ActivityType.GetName() + " " + strings.ToLower(first.State.String())
	if first.LastFailure != nil {
		words += ", before: " + gist(first.LastFailure.Message)
	}
	return words
}

func (a *waits) saw(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.on[what]++
}

func (a *waits) blame(run, evidence string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.found[run] = finding{lost, "run " + run + " waits without a deadline", evidence}
}

// counts is what still runs waited for, so far.
func (a *waits) counts() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.on)
}

func (a *waits) findings() (all []finding) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.found {
		all = append(all, f)
	}
	return all
}
