package temporal

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"millwright/internal/metal"
	"millwright/workflows"
)

// Runs speaks to runs by their workflow IDs, to whichever is open.
type Runs struct{ Client client.Client }

// Open reports whether a run of this ID is open. One that Temporal has never
// heard of, or has forgotten, is not; a missing namespace is an error, or every
// run would look lost.
func (r Runs) Open(ctx context.Context, workflowID string) (bool, error) {
	described, err := r.Client.DescribeWorkflowExecution(ctx, workflowID, "")
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe %s: %w", workflowID, err)
	}
	return described.GetWorkflowExecutionInfo().GetCloseTime() == nil, nil
}

// Signal tells a run what its machine reported. The boot number in the report
// says whether this run is meant. It refuses with metal.ErrRunOver where none
// is open.
func (r Runs) Signal(ctx context.Context, run string, report metal.Report) error {
	return r.to(run, "signal", r.Client.SignalWorkflow(ctx, run, "", workflows.ReportSignal, report))
}

// Turn tells the run of a device that waits for a machine that one is there. It
// refuses with metal.ErrRunOver where none is open.
func (r Runs) Turn(ctx context.Context, device metal.DeviceID) error {
	run := workflows.DeviceRun(device)
	return r.to(run, "tell its turn to", r.Client.SignalWorkflow(ctx, run, "", workflows.TurnSignal, nil))
}

func gone(err error) bool {
	var notFound *serviceerror.NotFound
	return errors.As(err, &notFound)
}
