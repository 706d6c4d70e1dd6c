package workflows

import (
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// TendInput says what a person wants of a machine's BMC.
type TendInput struct {
	Machine metal.MachineID `json:"machine"`
	Site    metal.SiteID    `json:"site"`
	// Verb is read, clear-log, reset-bmc, power-on, power-off or rotate-password.
	Verb metal.Tending `json:"verb"`
}

// Tend does one thing to a machine's BMC. It has the ID of the machine's runs,
// so that it comes between none of them. Power is for machines that a person has,
// or that nobody may have; a password is changed where no device lives.
func Tend(ctx workflow.Context, in TendInput) (result MachineResult, err error) {
	if in.Verb == metal.TendPassword {
		return onErrand(ctx, MachineInput{Machine: in.Machine, Site: in.Site}, metal.ForInspect, (*errand).rotate)
	}
	r, err := newRun(ctx)
	if err != nil {
		return MachineResult{}, err
	}
	defer func() { r.finish(ctx, err) }()
	if err := r.enter(ctx, StepSecure, string(in.Machine), MachineAttr.ValueSet(string(in.Machine)), SiteAttr.ValueSet(string(in.Site))); err != nil {
		return MachineResult{}, err
	}
	_, err = call(ctx, r, looking, SiteQueue(in.Site), string(in.Verb)+" "+string(in.Machine),
		guard.TendBMC, activities.TendBMCInput{Machine: in.Machine, Verb: in.Verb})
	return MachineResult{Machine: in.Machine}, err
}

// rotate gives the BMC a new password, and puts the machine back.
func (e *errand) rotate(ctx workflow.Context) (MachineResult, error) {
	if err := e.enter(ctx, StepSecure, e.machine()); err != nil {
		return MachineResult{}, err
	}
	if _, err := call(ctx, e.run, device, e.siteQueue(), "give the BMC of "+e.machine()+" a new password",
		guard.RotatePassword, activities.RotatePasswordInput{Claim: e.claim()}); err != nil {
		return MachineResult{}, err
	}
	_, err := call(ctx, e.run, settling, ControlQueue, e.machine()+" is as it was", aside.PutBack, activities.PutBackInput{Claim: e.claim()})
	return MachineResult{}, err
}
