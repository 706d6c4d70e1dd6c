package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"millwright/workflows"
)

// settleLimit is how long everything may take to end once nothing is wrong any
// more. The longest pause between two attempts is a minute, a machine is waited
// for three times, and all of it shares two cores.
const settleLimit = 8 * time.Minute

// sayEvery is after how many looks it is told what has not settled.
const sayEvery = 40

// openRuns are all that Temporal has open, but for what schedules start again
// and again, and Temporal's own.
const openRuns = `select workflow_id from current_executions
where state in (1, 2) and workflow_id ~ '^(device|order|machine|address|bgp|ports|switch|plan|webhook|patrol|enrol|firmware)/'
order by workflow_id`

// settle waits until every order has its outcome and nothing is open. What has
// not ended by the deadline is lost.
func (l *load) settle(ctx context.Context) []finding {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for n := 0; ; n++ {
		l.book.readOnce(ctx, l.w)
		open, err := l.w.texts(ctx, openRuns)
		unsettled, err2 := l.w.texts(ctx, unsettledDevices)
		without := l.book.without()
		if err == nil && err2 == nil && len(open)+len(unsettled)+len(without) == 0 {
			return nil
		}
		if n%sayEvery == 0 {
			l.w.log.Info("not settled", "runs", open, "devices", unsettled, "orders", without, "error", errors.Join(err, err2))
		}
		if !wait(ctx, watchEvery) {
			return l.lost(context.WithoutCancel(ctx), open, unsettled, without)
		}
	}
}

// unsettledDevices are in a state that only an open run may leave them in.
const unsettledDevices = `select 'device ' || id || ' is ' || state || ' since ' || changed_at from devices
where state in ('queued', 'provisioning', 'reinstalling', 'powering_on', 'powering_off', 'deprovisioning')
union all
select 'machine ' || id || ' is claimed since ' || changed_at from machines where state = 'claimed'`

func (l *load) lost(ctx context.Context, open, unsettled, without []string) (found []finding) {
	for _, run := range open {
		found = append(found, finding{lost, "run " + run + " is open", l.w.explain(ctx, run)})
	}
	for _, what := range unsettled {
		found = append(found, finding{lost, what, ""})
	}
	for _, order := range without {
		found = append(found, finding{lost, "order " + order + " was acknowledged and has no outcome", ""})
	}
	return found
}

// explain says how a run stands.
func (w *world) explain(ctx context.Context, run string) string {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	described, err := w.Client.DescribeWorkflowExecution(ctx, run, "")
	if err != nil {
		return err.Error()
	}
	info := described.WorkflowExecutionInfo
	words := []string{fmt.Sprintf("%s, %d events", info.Type.GetName(), info.HistoryLength)}
	for _, a := range described.PendingActivities {
		words = append(words, fmt.Sprintf("%s attempt %d %s: %s", a.ActivityType.Name, a.Attempt, a.State, a.LastFailure.GetMessage()))
	}
	if task := described.PendingWorkflowTask; task != nil {
		words = append(words, fmt.Sprintf("workflow task, attempt %d, %s", task.Attempt, task.State))
	}
	if answer, err := w.Client.QueryWorkflow(ctx, run, "", workflows.StatusQuery); err == nil {
		var status workflows.Status
		if answer.Get(&status) == nil {
			words = append(words, fmt.Sprintf("at step %s on %s since %s, waits for %q until %s", status.Step, status.On,
				status.Since.Format(time.TimeOnly), status.Awaits, status.Deadline.Format(time.TimeOnly)))
		}
	}
	return strings.Join(words, "; ")
}

// texts are the rows of a query that has one column; of Temporal's tables where
// it asks for them.
func (w *world) texts(ctx context.Context, sql string) (all []string, err error) {
	pool := w.data
	if strings.Contains(sql, "current_executions") {
		pool = w.progress
	}
	rows, err := pool.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
