package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// Deprovision takes a device apart. It goes forward only and ignores
// cancellation: usage ends, routes leave, the machine is erased with proof. A
// machine without proof goes to quarantine, never to the next tenant.
func Deprovision(ctx workflow.Context, in RunInput) (result RunResult, err error) {
	v, err := newVisit(ctx, in)
	if err != nil {
		return RunResult{}, err
	}
	defer func() { v.finish(ctx, err) }()
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := v.claimFor(ctx, settling, in, metal.ActionDeprovision); err != nil {
		return RunResult{}, v.unclaimed(ctx, in.Order, err)
	}
	err = v.dismantle(ctx, metal.Ending{Order: in.Order, State: metal.Deleted})
	v.name(ctx)
	return RunResult{Device: in.Device, State: metal.Deleted}, err
}

// dismantle gives back all that the device holds. A machine that never held
// data needs no erasure.
func (v *visit) dismantle(ctx workflow.Context, end metal.Ending) error {
	if v.holding.Dirty {
		return v.clear(ctx, end)
	}
	if v.hasMachine() {
		if err := v.enter(ctx, StepPort, v.holding.Port.String()); err != nil {
			return err
		}
		if err := v.park(ctx, undoing); err != nil {
			return v.callOut(ctx, end, err, nil)
		}
		if err := v.off(ctx, undoing); err != nil {
			return v.callOut(ctx, end, err, nil)
		}
	}
	if err := v.enter(ctx, StepRelease, v.machine()); err != nil {
		return err
	}
	dirty, err := v.release(ctx, 0, end)
	if err == nil && dirty {
		return v.clear(ctx, end)
	}
	return err
}

// unclaimed ends the order of a run that could not take its device. What an
// answer that was lost took all the same, reconcile takes up.
func (v *visit) unclaimed(ctx workflow.Context, order metal.OrderID, cause error) error {
	end := metal.Ending{Order: order, State: metal.Failed, Outcome: sentence(cause)}
	if err := v.settle(ctx, end); err != nil {
		return failure(UndoFailed, "device %s: %s (after: %s)", v.claim().Device, sentence(err), sentence(cause))
	}
	return cause
}

// claimFor takes the device, and the machine it lives on, for one action. A
// device without a machine is held all the same.
func (v *visit) claimFor(ctx workflow.Context, p profile, in RunInput, action metal.Action) error {
	if err := v.enter(ctx, StepClaim, string(in.Device)); err != nil {
		return err
	}
	claimed, err := call(ctx, v.run, p, ControlQueue, "claim device "+string(in.Device),
		machines.ClaimDevice, activities.ClaimDeviceInput{Wish: metal.ClaimWish{
			Device: in.Device, Order: in.Order, Action: action, OperatingSystem: in.OperatingSystem, ScriptURL: in.ScriptURL,
		}})
	if err != nil {
		return err
	}
	v.take(claimed.Holding)
	if !v.hasMachine() {
		return nil
	}
	return v.enter(ctx, StepClaim, v.machine(),
		MachineAttr.ValueSet(v.machine()), SwitchAttr.ValueSet(string(v.holding.Port.Switch)))
}
