package temporal

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"millwright/internal/metal"
	"millwright/workflows"
)

// StartFleet starts the run that orders many devices as one, or finds the one
// that does. Safe to repeat: the fleet's ID is the run's.
func (r Runs) StartFleet(ctx context.Context, fleet metal.FleetID, input []byte) error {
	_, err := r.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.FleetRun(fleet), TaskQueue: workflows.ControlQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.Fleet, workflows.OrderJSON(input))
	if err != nil {
		return fmt.Errorf("start %s: %w", workflows.FleetRun(fleet), err)
	}
	return nil
}

// CancelFleet asks a fleet's run to end, and so to give back all that it
// ordered. Safe to repeat; metal.ErrRunOver where none is open.
func (r Runs) CancelFleet(ctx context.Context, fleet metal.FleetID) error {
	return r.Cancel(ctx, workflows.FleetRun(fleet))
}
