package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// Power switches a device on, off, or off and on. It gives nothing up: where
// the BMC refuses, the device is left as its BMC reads, or, where that cannot be
// read either, as it was.
func Power(ctx workflow.Context, in RunInput) (result RunResult, err error) {
	v, err := newVisit(ctx, in)
	if err != nil {
		return RunResult{}, err
	}
	defer func() { v.finish(ctx, err) }()
	if err := v.switchTo(ctx, in); err != nil {
		return RunResult{}, v.keep(ctx, in.Order, v.seen, err)
	}
	state := metal.Active
	if in.Action == metal.ActionPowerOff {
		state = metal.Inactive
	}
	return RunResult{Device: in.Device, State: state, Machine: v.claim().Machine},
		v.settle(ctx, metal.Ending{Order: in.Order, State: state, Keep: v.holding.Always})
}

func (v *visit) switchTo(ctx workflow.Context, in RunInput) error {
	if err := v.claimFor(ctx, database, in, in.Action); err != nil {
		return err
	}
	if !v.hasMachine() {
		return failure(activities.WrongState, "device %s has no machine to switch", in.Device)
	}
	if err := v.enter(ctx, StepPower, v.machine()); err != nil {
		return err
	}
	if in.Action != metal.ActionPowerOn {
		if err := v.off(ctx, device); err != nil {
			return err
		}
	}
	if in.Action == metal.ActionPowerOff {
		return nil
	}
	next := metal.BootDisk
	if v.holding.Script && v.holding.Always {
		next = metal.BootNetwork
	}
	return v.on(ctx, device, next)
}

// seen is the state of a device whose machine may be on or off: a step that
// failed may have taken effect all the same.
func (v *visit) seen(ctx workflow.Context) metal.DeviceState {
	read, err := call(ctx, v.run, device, v.siteQueue(), "read the power of "+v.machine(),
		power.ReadPower, activities.ReadPowerInput{Claim: v.claim()})
	switch {
	case err == nil && read.Power == metal.On:
		return metal.Active
	case err == nil && read.Power == metal.Off:
		return metal.Inactive
	case v.holding.Was == metal.Inactive:
		return metal.Inactive
	}
	return metal.Active
}
