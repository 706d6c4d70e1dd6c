package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// Rescue boots a device's machine into the agent's system, with the device's
// keys and addresses, and touches no disk. The device is active then, and boots
// the rescue system again and again, until a power order leads it back to its
// disk. Where that cannot be, the device is left as its BMC reads.
func Rescue(ctx workflow.Context, in RunInput) (result RunResult, err error) {
	v, err := newVisit(ctx, in)
	if err != nil {
		return RunResult{}, err
	}
	defer func() { v.finish(ctx, err) }()
	if err := v.rescue(ctx, in); err != nil {
		return RunResult{}, v.keep(ctx, in.Order, v.seen, err)
	}
	return RunResult{Device: in.Device, State: metal.Active, Machine: v.claim().Machine},
		v.settle(ctx, metal.Ending{Order: in.Order, State: metal.Active, Keep: true})
}

func (v *visit) rescue(ctx workflow.Context, in RunInput) error {
	if err := v.claimFor(ctx, database, in, metal.ActionRescue); err != nil {
		return err
	}
	if !v.hasMachine() {
		return failure(activities.WrongState, "device %s has no machine to rescue", in.Device)
	}
	if err := v.enter(ctx, StepOpen, v.holding.Port.String()); err != nil {
		return err
	}
	if err := v.open(ctx); err != nil { // a reinstall that failed left it parked, and the tenant comes over the network
		return err
	}
	return v.work(ctx, device, metal.JobRescue, metal.Rescued)
}
