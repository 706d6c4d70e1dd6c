package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// Recover ends what a lost run left: one that was terminated in the UI, reset
// away, or lost with its Temporal. A provision is taken back, a reinstall is
// failed with its holdings kept, a deprovision goes on, a power switch is left
// as the BMC reads. It ignores cancellation.
func Recover(ctx workflow.Context, in RunInput) (result RunResult, err error) {
	v, err := newVisit(ctx, in)
	if err != nil {
		return RunResult{}, err
	}
	defer func() { v.finish(ctx, err) }()
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err = v.claimFor(ctx, settling, in, metal.ActionRecover)
	if isType(err, activities.WrongState) {
		return RunResult{Device: in.Device}, nil // settled meanwhile
	}
	if err != nil {
		return RunResult{}, err
	}
	result, err = v.recover(ctx, in)
	v.name(ctx)
	return result, err
}

// cleanedUp is what the lost run's order is told.
const cleanedUp = "its run was terminated or lost; what it held was cleaned up"

func (v *visit) recover(ctx workflow.Context, in RunInput) (RunResult, error) {
	end := metal.Ending{State: metal.Failed, Outcome: cleanedUp}
	switch v.holding.Was {
	case metal.Deprovisioning:
		end = metal.Ending{State: metal.Deleted}
		return RunResult{Device: in.Device, State: end.State}, v.dismantle(ctx, end)
	case metal.Queued, metal.Provisioning:
		return RunResult{Device: in.Device, State: end.State}, v.dismantle(ctx, end)
	case metal.PoweringOn, metal.PoweringOff:
		end.State = v.seen(ctx)
		end.Keep = true // a rescue system that came up stays until a power order ends it
	}
	return RunResult{Device: in.Device, State: end.State, Machine: v.claim().Machine}, v.settle(ctx, end)
}
