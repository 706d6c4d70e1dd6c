package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// Reinstall puts another system on a device. Machine and addresses are never
// given up: it ends installed, or failed with its holdings kept. The port is
// parked meanwhile: an agent never faces the Internet.
func Reinstall(ctx workflow.Context, in RunInput) (result RunResult, err error) {
	v, err := newVisit(ctx, in)
	if err != nil {
		return RunResult{}, err
	}
	defer func() { v.finish(ctx, err) }()
	if err := v.reinstall(ctx, in); err != nil {
		return RunResult{}, v.keep(ctx, in.Order, v.failed, err)
	}
	return RunResult{Device: in.Device, State: metal.Active, Machine: v.claim().Machine}, nil
}

func (v *visit) reinstall(ctx workflow.Context, in RunInput) error {
	if err := v.claimFor(ctx, database, in, metal.ActionReinstall); err != nil {
		return err
	}
	if !v.hasMachine() {
		return failure(activities.WrongState, "device %s has no machine: its provision failed; deprovision it and order again", in.Device)
	}
	if err := v.replace(ctx); err != nil {
		return err
	}
	return v.activate(ctx, in.Order)
}

// replace puts the new system on the disk, or boots the tenant's script.
func (v *visit) replace(ctx workflow.Context) error {
	if v.holding.Script {
		return v.runScript(ctx)
	}
	if err := v.enter(ctx, StepPort, v.holding.Port.String()); err != nil {
		return err
	}
	if err := v.park(ctx, device); err != nil {
		return err
	}
	if err := v.work(ctx, device, metal.JobInstall, metal.Installed); err != nil {
		return err
	}
	if err := v.startSystem(ctx); err != nil {
		return err
	}
	return v.awaitSystem(ctx)
}

// failed is how a device is left whose system is no longer whole.
func (v *visit) failed(workflow.Context) metal.DeviceState { return metal.Failed }

// keep ends a run that did not succeed, with all that the device holds kept.
// Where the claim's answer was lost, what it took is taken again first.
func (v *visit) keep(ctx workflow.Context, order metal.OrderID, left func(workflow.Context) metal.DeviceState, cause error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if !v.hasMachine() {
		if err := v.retake(ctx, metal.ActionRecover, order); err != nil {
			return failure(UndoFailed, "device %s: %s (after: %s)", v.claim().Device, sentence(err), sentence(cause))
		}
	}
	end := metal.Ending{Order: order, State: metal.Failed, Outcome: sentence(cause)}
	if v.hasMachine() {
		end.State = left(ctx)
	}
	if err := v.settle(ctx, end); err != nil && !isType(err, activities.StaleClaim) {
		return failure(UndoFailed, "device %s: %s (after: %s)", v.claim().Device, sentence(err), sentence(cause))
	}
	return cause
}
