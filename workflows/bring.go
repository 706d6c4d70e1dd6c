package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// BringInput names a device.
type BringInput struct {
	Device metal.DeviceID `json:"device"`
}

// BringDevice brings the ports of a device to what they should be. What they
// should be stands in the database by then: the API writes it before it starts
// this, so there is nothing to take back. One is open at a time; it is told by
// signal when there is more, and looks again before it ends. A device whose
// machine is parked has no ports to bring, and gets what it has when they open.
func BringDevice(ctx workflow.Context, in BringInput) (err error) {
	r, err := newRun(ctx)
	if err != nil {
		return err
	}
	defer func() { r.finish(ctx, err) }()
	again := workflow.GetSignalChannel(ctx, AgainSignal)
	for {
		for again.ReceiveAsync(nil) {
			// All that was told by now is seen by the look that follows.
		}
		if err = r.enter(ctx, StepAssign, string(in.Device), DeviceAttr.ValueSet(string(in.Device))); err != nil {
			return err
		}
		read, err := call(ctx, r, database, ControlQueue, "read the ports of "+string(in.Device),
			addresses.ReadPorts, activities.ReadPortsInput{Device: in.Device})
		if err != nil {
			return err
		}
		if err = bring(ctx, r, device, read.Sites); err != nil {
			return err
		}
		if !again.ReceiveAsync(nil) {
			return nil
		}
	}
}
