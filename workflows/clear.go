package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// clear takes a device apart: the port parked, the machine erased with proof,
// machine and addresses given back. Without proof the machine goes to
// quarantine, never to the next tenant. It goes forward only: the caller passes
// a context that is not cancelled.
func (v *visit) clear(ctx workflow.Context, end metal.Ending) error {
	if err := v.enter(ctx, StepPort, v.holding.Port.String(),
		MachineAttr.ValueSet(v.machine()), SwitchAttr.ValueSet(string(v.holding.Port.Switch))); err != nil {
		return err
	}
	if err := v.park(ctx, undoing); err != nil {
		return v.callOut(ctx, end, err, nil)
	}
	if err := v.work(ctx, device, metal.JobErase, metal.Erased); err != nil {
		return v.unproven(ctx, end, err)
	}
	if err := v.examine(ctx); err != nil {
		return v.unproven(ctx, end, failure(NotErased, "erased, but not examined: %s", sentence(err)))
	}
	if err := v.enter(ctx, StepRelease, v.machine()); err != nil {
		return err
	}
	dirty, err := v.release(ctx, v.boot, end)
	if err == nil && dirty {
		err = failure(NotErased, "boot %d reported its erasure, but no proof of it is recorded", v.boot)
	}
	if err != nil {
		return v.unproven(ctx, end, err)
	}
	return nil
}

// examine holds the machine against what it should be, once its tenant is gone
// and it was really off: nothing that the tenant could have touched is trusted.
// What is found are issues, and keeps the machine from the pool when it is
// released.
func (v *visit) examine(ctx workflow.Context) error {
	if err := v.enter(ctx, StepSecure, v.machine()); err != nil {
		return err
	}
	if _, err := call(ctx, v.run, device, v.siteQueue(), "bring the BMC of "+v.machine()+" back in order",
		guard.SecureBMC, activities.SecureBMCInput{Claim: v.claim(), Rotate: true}); err != nil {
		return err
	}
	_, err := v.compare(ctx)
	return err
}

// compare holds what the agent of this boot found against the plan.
func (v *visit) compare(ctx workflow.Context) ([]string, error) {
	compared, err := call(ctx, v.run, database, ControlQueue, "hold "+v.machine()+" against its plan",
		fitness.CompareMachine, activities.CompareMachineInput{Claim: v.claim(), Boot: v.boot, Brief: true})
	return compared.Blocking, err
}

// unproven quarantines a machine whose erasure is not proven. The device ends
// all the same: its tenant does not wait for our repair.
func (v *visit) unproven(ctx workflow.Context, end metal.Ending, cause error) error {
	reason := "not erased: " + sentence(cause)
	if err := v.discard(ctx, metal.Quarantine{Reason: reason, Ending: &end}); err != nil {
		return failure(UndoFailed, "quarantine machine %s: %s (after: %s)", v.machine(), sentence(err), reason)
	}
	return failure(NotErased, "machine %s is in quarantine: %s", v.machine(), reason)
}

// callOut ends a run that is stuck: the machine goes to quarantine, where its
// port may still route the device's addresses it keeps them, and a person is
// called. Causes go in as text: a CanceledError anywhere in the chain would
// close this run as politely cancelled, with a port left open.
func (v *visit) callOut(ctx workflow.Context, end metal.Ending, stuck, cause error) error {
	end.State = metal.Failed
	end.Outcome = "stuck: " + sentence(stuck)
	if cause != nil {
		end.Outcome += " (after: " + sentence(cause) + ")"
	}
	if v.hasMachine() {
		if err := v.discard(ctx, metal.Quarantine{Reason: end.Outcome, Ending: &end}); err != nil {
			return failure(UndoFailed, "quarantine machine %s: %s (%s)", v.machine(), sentence(err), end.Outcome)
		}
	}
	return failure(UndoFailed, "device %s, machine %s: %s", v.claim().Device, v.machine(), end.Outcome)
}
