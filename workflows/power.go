package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// Power switches a device on, off, or off and on. It gives nothing up: a BMC
// that cannot be reached leaves the device as it was last seen.
func Power(ctx workflow.Context, in RunInput) (result RunResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return RunResult{}, err
	}
	defer func() { r.finish(ctx, err) }()
	v := &visit{run: r, site: in.Site}
	v.holding.Claim.Device = in.Device
	state, err := v.switchTo(ctx, in)
	end := metal.Ending{Order: in.Order, State: state}
	if err != nil {
		return RunResult{}, v.keep(ctx, end, err)
	}
	return RunResult{Device: in.Device, State: state, Machine: v.claim().Machine}, v.settle(ctx, end)
}

// switchTo does what the action says, and answers with the state that the
// device was last seen in.
func (v *visit) switchTo(ctx workflow.Context, in RunInput) (metal.DeviceState, error) {
	state := metal.Active
	if in.Action == metal.ActionPowerOn {
		state = metal.Inactive
	}
	if err := v.claimFor(ctx, database, in, in.Action); err != nil {
		return state, err
	}
	if !v.hasMachine() {
		return state, failure(activities.WrongState, "device %s has no machine to switch", in.Device)
	}
	if v.holding.Was == metal.Active || v.holding.Was == metal.Inactive {
		state = v.holding.Was
	}
	if err := v.enter(ctx, StepPower, v.machine()); err != nil {
		return state, err
	}
	if in.Action != metal.ActionPowerOn {
		if err := v.off(ctx, device); err != nil {
			return state, err
		}
		state = metal.Inactive
	}
	if in.Action != metal.ActionPowerOff {
		if err := v.on(ctx, device, metal.BootDisk); err != nil {
			return state, err
		}
		state = metal.Active
	}
	return state, nil
}
