package temporal

import (
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"millwright/internal/metal"
	"millwright/workflows"
)

// StartOrder starts the run that sees to an order, or finds the one that does.
// Safe to repeat: the order's ID is the run's.
func (r Runs) StartOrder(ctx context.Context, order metal.OrderID, input []byte) error {
	_, err := r.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.OrderRun(order), TaskQueue: workflows.ControlQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Priority:                 workflows.Fair(projectOf(input)),
	}, workflows.Order, workflows.OrderJSON(input))
	if err != nil {
		return fmt.Errorf("start %s: %w", workflows.OrderRun(order), err)
	}
	return nil
}

// projectOf is whose an order says it is; empty where it says nothing, or
// nothing that can be read: Order refuses that.
func projectOf(input []byte) metal.ProjectID {
	var said struct{ Project metal.ProjectID }
	_ = json.Unmarshal(input, &said)
	return said.Project
}

// Cancel asks a run to end. It refuses with metal.ErrRunOver where none is
// open; what the run makes of it is the run's decision.
func (r Runs) Cancel(ctx context.Context, run string) error {
	return r.to(run, "cancel", r.Client.CancelWorkflow(ctx, run, ""))
}

// Status asks a run which step it is in. A worker has to answer, so without one
// it takes as long as ctx allows.
func (r Runs) Status(ctx context.Context, run string) (workflows.Status, error) {
	var status workflows.Status
	answer, err := r.Client.QueryWorkflow(ctx, run, "", workflows.StatusQuery)
	if err == nil {
		err = answer.Get(&status)
	}
	return status, r.to(run, "ask the status of", err)
}

// RetryNow tells a run to try its failing step again at once, and returns what
// it says to that.
func (r Runs) RetryNow(ctx context.Context, run string) (string, error) {
	var answer string
	update, err := r.Client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: run, UpdateName: workflows.RetryNow, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = update.Get(ctx, &answer)
	}
	return answer, r.to(run, "hurry", err)
}

// to says what was being done to which run, and whether it is over.
func (r Runs) to(run, verb string, err error) error {
	if gone(err) {
		return fmt.Errorf("%s %s: %w", verb, run, metal.ErrRunOver)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, run, err)
	}
	return nil
}
