package main

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/temporal"

	"millwright/workflows"
)

// counted are the runs of a report. Orders only start runs, and what a schedule
// starts is no work of a tenant's.
var counted = []string{"Provision", "Reinstall", "Deprovision", "Power", "Address", "Recover", "Warm", "BringDevice"}

// runs are counted by type and outcome. A run that ended UndoFailed is stuck, and
// says so: that is how a person is called.
func (w *world) runs(ctx context.Context) (byOutcome map[string]int, total, stuck int, err error) {
	byOutcome = map[string]int{}
	for _, kind := range counted {
		request := &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 500,
			Query: fmt.Sprintf("WorkflowType = '%s' and ExecutionStatus != 'Running'", kind)}
		for more := true; more; {
			page, err := w.Client.ListWorkflow(ctx, request)
			if err != nil {
				return nil, 0, 0, fmt.Errorf("list runs of %s: %w", kind, err)
			}
			for _, run := range page.Executions {
				how := w.ending(ctx, run)
				if how == workflows.UndoFailed {
					stuck++
				}
				byOutcome[kind+" "+how]++
				total++
			}
			request.NextPageToken, more = page.NextPageToken, len(page.NextPageToken) > 0
		}
	}
	return byOutcome, total, stuck, nil
}

// ending is a status, or the type of the error where there is one.
func (w *world) ending(ctx context.Context, run *workflow.WorkflowExecutionInfo) string {
	switch run.Status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "done"
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED:
		err := w.Client.GetWorkflow(ctx, run.Execution.WorkflowId, run.Execution.RunId).Get(ctx, nil)
		var failed *temporal.ApplicationError
		if errors.As(err, &failed) && failed.Type() != "" {
			return failed.Type()
		}
		return "failed"
	}
	return run.Status.String()
}
