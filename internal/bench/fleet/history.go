package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"

	"millwright/workflows"
)

// sampled is how many orders' histories are read. They hardly differ.
const sampled = 50

// share is where the time of one kind of thing went, over all that were read.
type share struct {
	count         int
	waited, taken time.Duration // for a worker; by it
	longest       time.Duration // of both
}

func (s share) each(d time.Duration) float64 { return d.Seconds() / float64(max(s.count, 1)) }

// census counts what histories hold.
type census struct {
	runs, events, bytes, activities int64

	shares map[string]share // by activity, and of workflow tasks
	again  map[string]int   // attempts that failed before one that did not, by activity and last error
}

// histories reads the two histories of some orders, those of the order and of
// the device, and prints where their time went.
func (m *measuring) histories(ctx context.Context, runs []outcome, told *result) error {
	c := census{shares: map[string]share{}, again: map[string]int{}}
	for i := range min(sampled, len(runs)) {
		one := runs[i*len(runs)/min(sampled, len(runs))]
		c.runs++
		ids := []string{workflows.OrderRun(one.order), workflows.DeviceRun(one.device)}
		if m.atOnce > 0 {
			ids = ids[1:] // one Fleet is the order of all
		}
		for _, id := range ids {
			if err := m.read(ctx, id, &c); err != nil {
				return fmt.Errorf("read the history of %s: %w", id, err)
			}
		}
	}
	per := func(n int64) float64 { return float64(n) / float64(max(c.runs, 1)) }
	told.Activities, told.Events, told.Bytes = per(c.activities), per(c.events), per(c.bytes)
	fmt.Fprintf(m.out, "%-34s %8s %8s %8s %8s\n", "seconds, of an order and its run", "each run", "waited", "taken", "longest")
	names := slices.SortedFunc(maps.Keys(c.shares), func(a, b string) int {
		return cmp.Compare(c.shares[b].waited+c.shares[b].taken, c.shares[a].waited+c.shares[a].taken)
	})
	for _, name := range names {
		s := c.shares[name]
		fmt.Fprintf(m.out, "%-34s %8.1f %8.3f %8.3f %8.3f\n", name, per(int64(s.count)), s.each(s.waited), s.each(s.taken), s.longest.Seconds())
	}
	for what, times := range c.again {
		fmt.Fprintf(m.out, "tried again %d times: %s\n", times, what)
	}
	return nil
}

// read waits for a run's end and counts its history.
func (m *measuring) read(ctx context.Context, id string, c *census) error {
	if err := m.Client.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil && ctx.Err() != nil {
		return err
	}
	described, err := m.Client.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return err
	}
	if kind := described.WorkflowExecutionInfo.Type.Name; kind != "Order" && kind != "Provision" {
		fmt.Fprintf(m.out, "the last run of %s is a %s\n", id, kind)
	}
	c.events += described.WorkflowExecutionInfo.HistoryLength
	c.bytes += described.WorkflowExecutionInfo.HistorySizeBytes
	scheduled, started := map[int64]*history.HistoryEvent{}, map[int64]time.Time{}
	events := m.Client.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return err
		}
		switch e.EventType {
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
			scheduled[e.EventId] = e
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			started[e.GetActivityTaskStartedEventAttributes().ScheduledEventId] = e.EventTime.AsTime()
			c.failed(scheduled, e.GetActivityTaskStartedEventAttributes())
		case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			started[e.GetWorkflowTaskStartedEventAttributes().ScheduledEventId] = e.EventTime.AsTime()
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			c.activities++
			at := e.GetActivityTaskCompletedEventAttributes().ScheduledEventId
			c.add(scheduled[at].GetActivityTaskScheduledEventAttributes().ActivityType.Name, scheduled[at], started[at], e)
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			at := e.GetWorkflowTaskCompletedEventAttributes().ScheduledEventId
			c.add("(workflow task)", scheduled[at], started[at], e)
		}
	}
	return nil
}

// failed notes the attempts of an activity before its last.
func (c *census) failed(scheduled map[int64]*history.HistoryEvent, a *history.ActivityTaskStartedEventAttributes) {
	if a.Attempt > 1 {
		name := scheduled[a.ScheduledEventId].GetActivityTaskScheduledEventAttributes().ActivityType.Name
		c.again[name+": "+a.LastFailure.GetMessage()] += int(a.Attempt) - 1
	}
}

func (c *census) add(name string, scheduled *history.HistoryEvent, started time.Time, ended *history.HistoryEvent) {
	s, asked, end := c.shares[name], scheduled.EventTime.AsTime(), ended.EventTime.AsTime()
	s.count++
	s.waited += started.Sub(asked)
	s.taken += end.Sub(started)
	s.longest = max(s.longest, end.Sub(asked))
	c.shares[name] = s
}
