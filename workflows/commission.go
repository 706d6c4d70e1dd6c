package workflows

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// MachineInput starts a run on a machine that no device lives on.
type MachineInput struct {
	Machine metal.MachineID `json:"machine"`
	Site    metal.SiteID    `json:"site"`
}

// MachineResult says how the run left the machine.
type MachineResult struct {
	Machine metal.MachineID    `json:"machine"`
	State   metal.MachineState `json:"state,omitempty"`
	Issues  []string           `json:"issues,omitempty"` // what keeps it from the pool
}

// errand is one run on a machine aside.
type errand struct {
	*visit
	in    MachineInput
	what  metal.Errand
	woken bool // it was switched on, or was to be
}

// Commission proves a machine before anybody gets it: its BMC gets a password of
// ours and settings of ours, an agent says what it is made of and tests it under
// load, all of it is held against plan and cabling, and its disks are erased. It
// ends idle, or in quarantine with its issues; cancelled, as it began.
func Commission(ctx workflow.Context, in MachineInput) (MachineResult, error) {
	return onErrand(ctx, in, metal.ForCommission, (*errand).commission)
}

// Inspect looks at a machine without touching what it holds: no new password, no
// load, no erasure. It ends as it began, or in quarantine.
func Inspect(ctx workflow.Context, in MachineInput) (MachineResult, error) {
	return onErrand(ctx, in, metal.ForInspect, (*errand).inspect)
}

// Retire ends a machine's life here: erased, with a certificate for each disk,
// and off. It ends retired, or in quarantine where an erasure is not proven.
func Retire(ctx workflow.Context, in MachineInput) (MachineResult, error) {
	return onErrand(ctx, in, metal.ForRetire, (*errand).retire)
}

// onErrand claims the machine, and sees to it that the run leaves it in a state
// that somebody chose.
func onErrand(ctx workflow.Context, in MachineInput, what metal.Errand, do func(*errand, workflow.Context) (MachineResult, error)) (result MachineResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return MachineResult{}, err
	}
	e := &errand{visit: &visit{run: r, site: in.Site}, in: in, what: what}
	defer func() { e.finish(ctx, err) }()
	if err := e.claimAside(ctx); err != nil {
		return MachineResult{Machine: in.Machine}, err
	}
	result, err = do(e, ctx)
	result.Machine = in.Machine
	switch {
	case err == nil || isType(err, activities.StaleClaim) || isType(err, NotAsPlanned) || isType(err, UndoFailed):
		return result, err
	case ctx.Err() != nil || isWeather(err):
		return result, e.putBack(ctx, err)
	}
	return result, e.aside(ctx, sentence(err), err)
}

// isWeather reports whether a run failed for what is not the machine's fault: a
// switch that is away, a key that is missing.
func isWeather(err error) bool {
	return isType(err, activities.NoSecret) || isType(err, activities.ConfigRefused)
}

func (e *errand) claimAside(ctx workflow.Context) error {
	if err := e.enter(ctx, StepClaim, string(e.in.Machine), MachineAttr.ValueSet(string(e.in.Machine)), SiteAttr.ValueSet(string(e.site))); err != nil {
		return err
	}
	claimed, err := call(ctx, e.run, database, ControlQueue, "claim "+string(e.in.Machine),
		aside.ClaimAside, activities.ClaimAsideInput{Machine: e.in.Machine, Errand: e.what})
	if err != nil && ctx.Err() != nil { // it may be claimed all the same
		return e.takeBack(ctx, err)
	}
	if err == nil {
		e.take(claimed.Holding)
	}
	return err
}

// takeBack puts back what a claim took whose answer was lost in a cancellation.
func (e *errand) takeBack(ctx workflow.Context, cause error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	claimed, err := call(ctx, e.run, settling, ControlQueue, "take what was claimed",
		aside.ClaimAside, activities.ClaimAsideInput{Machine: e.in.Machine, Errand: e.what})
	if isType(err, activities.WrongState) {
		return cause
	}
	if err != nil {
		return failure(UndoFailed, "machine %s: %s (after: %s)", e.in.Machine, sentence(err), sentence(cause))
	}
	e.take(claimed.Holding)
	return e.putBack(ctx, cause)
}

func (e *errand) commission(ctx workflow.Context) (MachineResult, error) {
	if err := e.admit(ctx); err != nil {
		return MachineResult{}, err
	}
	if err := e.prove(ctx, false); err != nil {
		return MachineResult{}, err
	}
	issues, err := e.look(ctx, false)
	if err != nil {
		return MachineResult{}, err
	}
	if len(issues) > 0 {
		return e.refuse(ctx, issues)
	}
	if err := e.work(ctx, device, metal.JobErase, metal.Erased); err != nil {
		return MachineResult{}, err
	}
	if err := e.off(ctx, device); err != nil {
		return MachineResult{}, err
	}
	return e.release(ctx, e.boot)
}

// admit makes the BMC ours: a password that nobody has seen, no other users, and
// settings as the plan has them.
func (e *errand) admit(ctx workflow.Context) error {
	if err := e.enter(ctx, StepSecure, e.machine()); err != nil {
		return err
	}
	if _, err := call(ctx, e.run, admitting, e.siteQueue(), "give the BMC of "+e.machine()+" a new password",
		guard.RotatePassword, activities.RotatePasswordInput{Claim: e.claim()}); err != nil {
		return err
	}
	_, err := call(ctx, e.run, admitting, e.siteQueue(), "bring the BMC of "+e.machine()+" in order",
		guard.SecureBMC, activities.SecureBMCInput{Claim: e.claim(), Quiet: true, Afresh: true})
	return err
}

// prove boots an agent that says what the machine is made of and who its
// neighbours are, and tests it under load unless it is to be brief.
func (e *errand) prove(ctx workflow.Context, brief bool) error {
	if err := e.parkSpare(ctx); err != nil {
		return err
	}
	e.brief, e.woken = brief, true
	return e.work(ctx, device, metal.JobProve, metal.Proven)
}

// look holds what was found against what should be.
func (e *errand) look(ctx workflow.Context, brief bool) ([]string, error) {
	if err := e.enter(ctx, StepCompare, e.machine()); err != nil {
		return nil, err
	}
	if _, err := call(ctx, e.run, device, e.siteQueue(), "look at the BMC of "+e.machine(),
		guard.SecureBMC, activities.SecureBMCInput{Claim: e.claim()}); err != nil {
		return nil, err
	}
	compared, err := call(ctx, e.run, database, ControlQueue, "hold "+e.machine()+" against its plan",
		fitness.CompareMachine, activities.CompareMachineInput{Claim: e.claim(), Boot: e.boot, Brief: brief})
	return compared.Blocking, err
}

func (e *errand) inspect(ctx workflow.Context) (MachineResult, error) {
	if err := e.prove(ctx, true); err != nil {
		return MachineResult{}, err
	}
	issues, err := e.look(ctx, false)
	if err != nil {
		return MachineResult{}, err
	}
	if err := e.off(ctx, device); err != nil {
		return MachineResult{}, err
	}
	if len(issues) > 0 {
		return e.refuse(ctx, issues)
	}
	_, err = call(ctx, e.run, settling, ControlQueue, e.machine()+" is as it was",
		aside.PutBack, activities.PutBackInput{Claim: e.claim()})
	return MachineResult{}, err
}

func (e *errand) retire(ctx workflow.Context) (MachineResult, error) {
	if err := e.parkSpare(ctx); err != nil {
		return MachineResult{}, err
	}
	e.woken = true
	if err := e.work(ctx, device, metal.JobErase, metal.Erased); err != nil {
		return MachineResult{}, err
	}
	if err := e.enter(ctx, StepRetire, e.machine()); err != nil {
		return MachineResult{}, err
	}
	if err := e.off(ctx, device); err != nil {
		return MachineResult{}, err
	}
	retired, err := call(ctx, e.run, settling, ControlQueue, "retire "+e.machine(),
		aside.RetireMachine, activities.RetireMachineInput{Claim: e.claim(), Boot: e.boot})
	if err == nil && len(retired.Why) > 0 {
		return e.refuse(ctx, retired.Why)
	}
	return MachineResult{State: metal.Retired}, err
}

// release makes the machine idle.
func (e *errand) release(ctx workflow.Context, boot metal.BootNumber) (MachineResult, error) {
	if err := e.enter(ctx, StepRelease, e.machine()); err != nil {
		return MachineResult{}, err
	}
	released, err := call(ctx, e.run, settling, ControlQueue, e.machine()+" is idle",
		aside.ReleaseProven, activities.ReleaseProvenInput{Claim: e.claim(), Boot: boot})
	if err == nil && len(released.Why) > 0 {
		return e.refuse(ctx, released.Why)
	}
	return MachineResult{State: metal.Idle}, err
}

// refuse sends a machine to quarantine that is not as its plan says.
func (e *errand) refuse(ctx workflow.Context, issues []string) (MachineResult, error) {
	result := MachineResult{State: metal.Quarantined, Issues: issues}
	why := strings.Join(issues, "; ")
	return result, e.aside(ctx, why, failure(NotAsPlanned, "machine %s is in quarantine: %s; see starter machine issues %s", e.machine(), why, e.machine()))
}

// aside ends the run with the machine in quarantine.
func (e *errand) aside(ctx workflow.Context, why string, cause error) error {
	if stuck := e.discard(ctx, metal.Quarantine{Reason: why}); stuck != nil {
		return failure(UndoFailed, "quarantine machine %s: %s (after: %s)", e.machine(), sentence(stuck), sentence(cause))
	}
	return cause
}

// putBack ends the run as if it had not been: the machine what it was, and off
// where this run may have switched it on.
func (e *errand) putBack(ctx workflow.Context, cause error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	var err error
	if e.woken {
		err = e.off(ctx, undoing)
	}
	if err != nil {
		return e.aside(ctx, "not switched off: "+sentence(err), failure(UndoFailed, "machine %s: %s (after: %s)", e.machine(), sentence(err), sentence(cause)))
	}
	if _, err := call(ctx, e.run, settling, ControlQueue, e.machine()+" is as it was",
		aside.PutBack, activities.PutBackInput{Claim: e.claim()}); err != nil {
		return failure(UndoFailed, "machine %s: %s (after: %s)", e.machine(), sentence(err), sentence(cause))
	}
	return cause
}
