package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// Update is a firmware that machines are to have.
type Update struct {
	Component string `json:"component"` // as the BMC's firmware list names it: "bios", "bmc", …
	Version   string `json:"version"`   // that it must say afterwards
	URL       string `json:"url"`       // of the image; the site's workers fetch it
	SHA256    string `json:"sha256"`    // of the image, 64 hex digits
}

// UpdateInput starts an update of one machine.
type UpdateInput struct {
	Machine metal.MachineID `json:"machine"`
	Site    metal.SiteID    `json:"site"`
	Update
}

const (
	updateLimit = 45 * time.Minute // the slowest BMC seen took 30 minutes for its own firmware
	updateLook  = 15 * time.Second
	updateSteps = int(updateLimit / updateLook)
)

// UpdateFirmware brings one firmware of a machine that nobody uses to a version.
// The machine is off while it is written, and has to boot afterwards. It ends as
// it began, with the new version; or in quarantine, gone back to the version
// before where the BMC kept it.
func UpdateFirmware(ctx workflow.Context, in UpdateInput) (MachineResult, error) {
	return onErrand(ctx, MachineInput{Machine: in.Machine, Site: in.Site}, metal.ForUpdate, func(e *errand, ctx workflow.Context) (MachineResult, error) {
		u := &update{errand: e, Update: in.Update}
		return MachineResult{}, u.run(ctx)
	})
}

type update struct {
	*errand
	Update
}

func (u *update) run(ctx workflow.Context) error {
	if err := u.enter(ctx, StepFirmware, u.machine()); err != nil {
		return err
	}
	has, err := u.version(ctx)
	if err != nil {
		return err
	}
	if has != u.Version {
		if err := u.bring(ctx, has); err != nil {
			return err
		}
	}
	if err := u.inOrder(ctx, false); err != nil {
		return err
	}
	if err := u.off(ctx, device); err != nil {
		return err
	}
	_, err = call(ctx, u.errand.run, settling, ControlQueue, u.machine()+" is as it was",
		aside.PutBack, activities.PutBackInput{Claim: u.claim()})
	return err
}

// bring writes the firmware, and boots the machine with it.
func (u *update) bring(ctx workflow.Context, had string) error {
	u.woken = true // and off before: what is written needs a machine that is still
	if err := u.off(ctx, device); err != nil {
		return err
	}
	begun, err := call(ctx, u.errand.run, device, u.siteQueue(), fmt.Sprintf("hand %s %s to the BMC of %s", u.Component, u.Version, u.machine()),
		firmware.BeginUpdate, activities.BeginUpdateInput{Claim: u.claim(), Component: u.Component, URL: u.URL, SHA256: u.SHA256})
	if err != nil {
		return err
	}
	why := u.written(ctx, begun.Task)
	if ctx.Err() != nil {
		return why // cut off in the middle: what the BMC writes, it writes
	}
	if why == nil {
		why = u.inOrder(ctx, true) // an update may lose settings, and the next start applies them
	}
	if why == nil {
		why = u.prove(ctx, true)
	}
	if why == nil {
		why = u.says(ctx)
	}
	if why == nil || ctx.Err() != nil {
		return why
	}
	return u.goBack(ctx, had, why)
}

// written waits until the BMC has written the image, or wants the machine to
// start for it.
func (u *update) written(ctx workflow.Context, task string) error {
	for range updateSteps {
		if err := workflow.Sleep(ctx, updateLook); err != nil {
			return err
		}
		status, err := call(ctx, u.errand.run, device, u.siteQueue(), "ask how far the update of "+u.machine()+" is",
			firmware.UpdateStatus, activities.UpdateStatusInput{Claim: u.claim(), Task: task})
		switch {
		case err != nil:
			return err
		case status.Progress.State == metal.UpdateFailed:
			return failure(UpdateFailed, "machine %s: its BMC could not write %s %s: %s", u.machine(), u.Component, u.Version, status.Progress.Detail)
		case status.Progress.State != metal.UpdateRunning:
			return nil
		}
	}
	return failure(UpdateFailed, "machine %s: %s %s is not written after %s", u.machine(), u.Component, u.Version, updateLimit)
}

// says holds the version that the BMC tells against the one that it should.
func (u *update) says(ctx workflow.Context) error {
	if err := u.enter(ctx, StepFirmware, u.machine()); err != nil {
		return err
	}
	has, err := u.version(ctx)
	if err == nil && has != u.Version {
		err = failure(UpdateFailed, "machine %s: its %s says %s after an update to %s", u.machine(), u.Component, has, u.Version)
	}
	return err
}

func (u *update) version(ctx workflow.Context) (string, error) {
	read, err := call(ctx, u.errand.run, device, u.siteQueue(), "read the "+u.Component+" of "+u.machine(),
		firmware.ReadFirmware, activities.ReadFirmwareInput{Claim: u.claim(), Component: u.Component})
	return read.Version, err
}

// goBack returns to the version before, where the BMC kept it. The machine goes
// to quarantine either way.
func (u *update) goBack(ctx workflow.Context, had string, why error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	back, err := call(ctx, u.errand.run, device, u.siteQueue(), fmt.Sprintf("go back to %s %s", u.Component, had),
		firmware.RollbackFirmware, activities.RollbackFirmwareInput{Claim: u.claim(), Component: u.Component})
	switch {
	case err != nil:
		return failure(UpdateFailed, "%s; going back failed as well: %s", sentence(why), sentence(err))
	case !back.Kept:
		return failure(UpdateFailed, "%s; its BMC kept no image to go back to", sentence(why))
	}
	if err := u.written(ctx, back.Task); err != nil {
		return failure(UpdateFailed, "%s; going back: %s", sentence(why), sentence(err))
	}
	return failure(UpdateFailed, "%s; it went back to the image before", sentence(why))
}

// inOrder brings the BMC and the firmware's settings to what they should be, and
// unless it is quiet makes issues of what was otherwise.
func (u *update) inOrder(ctx workflow.Context, quiet bool) error {
	_, err := call(ctx, u.errand.run, device, u.siteQueue(), "bring the BMC of "+u.machine()+" in order",
		guard.SecureBMC, activities.SecureBMCInput{Claim: u.claim(), Quiet: quiet})
	return err
}

// RolloutInput brings a firmware to the idle machines of a plan at a site.
type RolloutInput struct {
	Site   metal.SiteID `json:"site"`
	Plan   metal.PlanID `json:"plan"`
	AtOnce int          `json:"at_once,omitempty"` // 2 where it is zero
	Update
}

// RolloutResult lists what became of the machines.
type RolloutResult struct {
	Updated []metal.MachineID `json:"updated,omitempty"`
	Failed  []metal.MachineID `json:"failed,omitempty"`
	Left    int               `json:"left"` // idle ones with another version
}

const rolloutAtOnce = 2

// Rollout brings a firmware to the idle machines of a plan, a few at a time, and
// stops at the first failure: what breaks one machine breaks the next.
func Rollout(ctx workflow.Context, in RolloutInput) (result RolloutResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return result, err
	}
	defer func() { r.finish(ctx, err) }()
	if err := r.enter(ctx, StepFirmware, string(in.Plan), SiteAttr.ValueSet(string(in.Site)), PlanAttr.ValueSet(string(in.Plan))); err != nil {
		return result, err
	}
	if in.AtOnce < 1 {
		in.AtOnce = rolloutAtOnce
	}
	tried := map[metal.MachineID]bool{}
	for {
		behind, err := call(ctx, r, reading, ControlQueue, "list idle machines with another "+in.Component,
			aside.ListBehind, activities.ListBehindInput{Site: in.Site, Plan: in.Plan, Component: in.Component, Version: in.Version})
		if err != nil {
			return result, err
		}
		next := untried(behind.Machines, tried, in.AtOnce)
		result.Left = len(behind.Machines)
		if len(next) == 0 {
			return result, nil
		}
		if err := result.update(ctx, in, next); err != nil {
			return result, err
		}
	}
}

func untried(all []metal.MachineID, tried map[metal.MachineID]bool, most int) (next []metal.MachineID) {
	for _, m := range all {
		if !tried[m] && len(next) < most {
			tried[m] = true
			next = append(next, m)
		}
	}
	return next
}

// update brings a few machines at once, and waits for all of them.
func (result *RolloutResult) update(ctx workflow.Context, in RolloutInput, machines []metal.MachineID) error {
	children := make([]workflow.ChildWorkflowFuture, len(machines))
	for i, m := range machines {
		about := temporal.NewSearchAttributes(MachineAttr.ValueSet(string(m)), SiteAttr.ValueSet(string(in.Site)), PlanAttr.ValueSet(string(in.Plan)))
		child := childOf(ctx, MachineRun(m), "bring its "+in.Component+" to "+in.Version, about)
		children[i] = workflow.ExecuteChildWorkflow(child, UpdateFirmware, UpdateInput{Machine: m, Site: in.Site, Update: in.Update})
	}
	var failed error
	for i, child := range children {
		err := child.Get(ctx, nil)
		switch {
		case err == nil:
			result.Updated = append(result.Updated, machines[i])
		case temporal.IsWorkflowExecutionAlreadyStartedError(err) || isType(err, activities.WrongState): // somebody else has it
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			result.Failed = append(result.Failed, machines[i])
			failed = err
		}
	}
	if failed != nil {
		return failure(UpdateFailed, "stopped after %d machines, because of %s: %s", len(result.Updated), result.Failed[0], sentence(failed))
	}
	return nil
}
