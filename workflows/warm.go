package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// SpareResult says how the run left the machine.
type SpareResult struct {
	Machine metal.MachineID `json:"machine"`
	Warm    bool            `json:"warm"` // its agent waits for an order
}

// Warm boots an idle machine into the agent and leaves it waiting there, so
// that an order needs no POST. It begins with a real power-off: memory keeps
// what an earlier tenant left through a warm reset. A machine that does not come
// up goes to quarantine, where an order would have sent it. Started again after
// it was lost, it takes up the machine that it holds.
func Warm(ctx workflow.Context, in MachineInput) (result SpareResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return SpareResult{}, err
	}
	v := &visit{run: r, site: in.Site}
	defer func() { v.finish(ctx, err) }()
	if err := v.claimSpare(ctx, in.Machine); err != nil || !v.hasMachine() {
		return SpareResult{Machine: in.Machine}, err
	}
	if err := v.parkSpare(ctx); err != nil {
		return SpareResult{Machine: in.Machine}, v.coolDown(ctx, in.Machine, err) // a switch that is away is not the machine's fault
	}
	err = v.work(ctx, device, metal.JobIdle, metal.AgentUp)
	switch {
	case err == nil:
		return SpareResult{Machine: in.Machine, Warm: true}, v.returnSpare(ctx, true)
	case isType(err, activities.StaleClaim):
		return SpareResult{Machine: in.Machine}, err
	case ctx.Err() != nil:
		return SpareResult{Machine: in.Machine}, v.coolDown(ctx, in.Machine, err)
	}
	if stuck := v.discard(ctx, metal.Quarantine{Reason: "did not come up to wait for orders: " + sentence(err)}); stuck != nil {
		return SpareResult{Machine: in.Machine}, failure(UndoFailed, "quarantine machine %s: %s (after: %s)", in.Machine, sentence(stuck), sentence(err))
	}
	return SpareResult{Machine: in.Machine}, err
}

// claimSpare takes the machine; one that an order took meanwhile is not this
// run's any more, and that is fine.
func (v *visit) claimSpare(ctx workflow.Context, machine metal.MachineID) error {
	if err := v.enter(ctx, StepClaim, string(machine), MachineAttr.ValueSet(string(machine)), SiteAttr.ValueSet(string(v.site))); err != nil {
		return err
	}
	claimed, err := call(ctx, v.run, database, ControlQueue, "claim "+string(machine),
		spares.ClaimSpare, activities.ClaimSpareInput{Machine: machine})
	if isType(err, activities.WrongState) {
		return nil
	}
	if err == nil {
		v.take(claimed.Holding)
		return nil
	}
	if ctx.Err() != nil { // it may be claimed all the same
		return v.coolDown(ctx, machine, err)
	}
	return err
}

// parkSpare sees to it that the machine reaches the boot services: the port of a
// machine that was never used may not be configured yet.
func (v *visit) parkSpare(ctx workflow.Context) error {
	if err := v.enter(ctx, StepPort, v.holding.Port.String(), SwitchAttr.ValueSet(string(v.holding.Port.Switch))); err != nil {
		return err
	}
	return v.park(ctx, device)
}

// coolDown is what a cancelled run leaves: the machine off, and idle. Where its
// claim's answer was lost, what it took is taken again first.
func (v *visit) coolDown(ctx workflow.Context, machine metal.MachineID, cause error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if !v.hasMachine() {
		claimed, err := call(ctx, v.run, settling, ControlQueue, "take what was claimed", spares.ClaimSpare,
			activities.ClaimSpareInput{Machine: machine})
		if isType(err, activities.WrongState) {
			return cause
		}
		if err != nil {
			return failure(UndoFailed, "machine %s: %s (after: %s)", machine, sentence(err), sentence(cause))
		}
		v.take(claimed.Holding)
	}
	if err := v.off(ctx, undoing); err != nil {
		if stuck := v.quarantine(ctx, metal.Quarantine{Reason: "not switched off: " + sentence(err)}); stuck != nil {
			err = stuck
		}
		return failure(UndoFailed, "machine %s: %s (after: %s)", v.machine(), sentence(err), sentence(cause))
	}
	if err := v.returnSpare(ctx, false); err != nil {
		return failure(UndoFailed, "machine %s: %s (after: %s)", v.machine(), sentence(err), sentence(cause))
	}
	return cause
}

func (v *visit) returnSpare(ctx workflow.Context, warm bool) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := v.enter(ctx, StepWarm, v.machine()); err != nil {
		return err
	}
	_, err := call(ctx, v.run, settling, ControlQueue, v.machine()+" is idle again",
		spares.ReturnSpare, activities.ReturnSpareInput{Claim: v.claim(), Warm: warm})
	return err
}
