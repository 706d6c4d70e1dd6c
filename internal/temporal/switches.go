package temporal

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"millwright/internal/metal"
	"millwright/workflows"
)

// ErrOpen says that a run was not started, because one of its ID is open and
// may want something else.
var ErrOpen = errors.New("an earlier run of this ID is open")

// Execution is one run that was started: its workflow ID, which later ones
// share, and its own.
type Execution struct{ ID, Run string }

// StartAddress starts the move of a piece of a reservation. One is open at a
// time, whatever it moves: else it refuses with ErrOpen.
func (r Runs) StartAddress(ctx context.Context, in workflows.AddressInput) (Execution, error) {
	return r.begin(ctx, workflows.AddressRun(in.Reservation), temporal.SearchAttributes{}, workflows.Address, in)
}

// StartSession starts a change of a device's BGP sessions, or refuses with
// ErrOpen.
func (r Runs) StartSession(ctx context.Context, in workflows.SessionInput) (Execution, error) {
	return r.begin(ctx, workflows.SessionRun(in.Device), temporal.SearchAttributes{}, workflows.Session, in)
}

// BringDevice starts the run that brings a device's ports, or tells the one that
// is open to look once more. Safe to repeat.
func (r Runs) BringDevice(ctx context.Context, device metal.DeviceID) error {
	id := workflows.PortsRun(device)
	about := temporal.NewSearchAttributes(workflows.DeviceAttr.ValueSet(string(device)))
	options := client.StartWorkflowOptions{ID: id, TaskQueue: workflows.ControlQueue, TypedSearchAttributes: about}
	_, err := r.Client.SignalWithStartWorkflow(ctx, id, workflows.AgainSignal, nil, options, workflows.BringDevice, workflows.BringInput{Device: device})
	if err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	return nil
}

// StartCheck starts a comparison of a switch with what it should be, and its
// repair where the input says so. It refuses with ErrOpen while another one is
// under way: that one may have looked before what this one is to see.
func (r Runs) StartCheck(ctx context.Context, in workflows.SwitchInput) (Execution, error) {
	return r.begin(ctx, workflows.SwitchRun(in.Switch), ofSwitch(in), workflows.CheckSwitch, in)
}

// StartPlan starts a look at what the next commit of a switch would change, or
// refuses with ErrOpen.
func (r Runs) StartPlan(ctx context.Context, in workflows.SwitchInput) (Execution, error) {
	return r.begin(ctx, workflows.PlanRun(in.Switch), ofSwitch(in), workflows.PlanSwitch, in)
}

func ofSwitch(in workflows.SwitchInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(workflows.SwitchAttr.ValueSet(string(in.Switch)), workflows.SiteAttr.ValueSet(string(in.Site)))
}

func (r Runs) begin(ctx context.Context, id string, about temporal.SearchAttributes, kind, in any) (Execution, error) {
	run, err := r.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.ControlQueue, TypedSearchAttributes: about,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true, // or the client answers with the open one, as if it were ours
	}, kind, in)
	var open *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &open):
		return Execution{ID: id, Run: open.RunId}, fmt.Errorf("start %s: %w", id, ErrOpen)
	case err != nil:
		return Execution{}, fmt.Errorf("start %s: %w", id, err)
	}
	return Execution{ID: id, Run: run.GetRunID()}, nil
}

// Await waits for a run's end and reads what it answers into result, a pointer
// or nil. A run that failed is an error with the sentence that an operator
// reads, and its published type.
func (r Runs) Await(ctx context.Context, e Execution, result any) error {
	err := r.Client.GetWorkflow(ctx, e.ID, e.Run).Get(ctx, result)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("wait for %s: %w", e.ID, ctx.Err())
	}
	if late := new(serviceerror.DeadlineExceeded); errors.As(err, &late) { // the connection's clock can be the first
		return fmt.Errorf("wait for %s: %w", e.ID, context.DeadlineExceeded)
	}
	var typed *temporal.ApplicationError
	if errors.As(err, &typed) {
		return fmt.Errorf("%s: %s (%s)", e.ID, typed.Message(), typed.Type())
	}
	return r.to(e.ID, "wait for", err)
}
