package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// SwitchInput names a switch.
type SwitchInput struct {
	Switch metal.SwitchID `json:"switch"`
	Site   metal.SiteID   `json:"site"`
	Repair bool           `json:"repair,omitempty"` // bring what is not as intended, instead of only reporting it
}

// SwitchResult says what a check found.
type SwitchResult struct {
	Drifts      []metal.Port `json:"drifts,omitempty"`
	Miscablings int          `json:"miscablings,omitempty"`
	Repaired    bool         `json:"repaired,omitempty"`
}

// CheckSwitches starts a check of each switch. A schedule starts it; the checks
// outlive it, and a switch whose last check is still open is left out.
func CheckSwitches(ctx workflow.Context) (started int, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { r.finish(ctx, err) }()
	all, err := call(ctx, r, reading, ControlQueue, "list switches", lost.ListSwitches, activities.ListSwitchesInput{})
	if err != nil {
		return 0, err
	}
	for _, s := range all.Switches {
		child := ending(childOf(ctx, SwitchRun(s.Switch), "compare with what it should be", switchAttributes(s.Switch, s.Site)))
		fresh, err := begun(ctx, workflow.ExecuteChildWorkflow(child, CheckSwitch,
			SwitchInput{Switch: s.Switch, Site: s.Site, Repair: s.Repair}))
		if err != nil {
			return started, err
		}
		if fresh {
			started++
		}
	}
	return started, nil
}

// CheckSwitch brings what is pending on a switch, compares it with what it
// should be, port by port, and its neighbours with the declared cabling. What is
// not as intended is recorded, and repaired where that is wanted.
func CheckSwitch(ctx workflow.Context, in SwitchInput) (result SwitchResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return result, err
	}
	defer func() { r.finish(ctx, err) }()
	if result, err = check(ctx, r, in); err != nil || !in.Repair || len(result.Drifts) == 0 {
		return result, err
	}
	if err = r.enter(ctx, StepRepair, string(in.Switch)); err != nil {
		return result, err
	}
	_, err = call(ctx, r, device, SiteQueue(in.Site), fmt.Sprintf("repair %d ports of %s", len(result.Drifts), in.Switch),
		switches.RepairSwitch, activities.RepairSwitchInput{Switch: in.Switch, Ports: result.Drifts})
	if err != nil {
		return result, err
	}
	again, err := check(ctx, r, in)
	result.Repaired = err == nil && len(again.Drifts) == 0
	return result, err
}

func check(ctx workflow.Context, r *run, in SwitchInput) (SwitchResult, error) {
	if err := r.enter(ctx, StepCheck, string(in.Switch)); err != nil {
		return SwitchResult{}, err
	}
	found, err := call(ctx, r, device, SiteQueue(in.Site), "compare "+string(in.Switch),
		switches.CheckSwitch, activities.CheckSwitchInput{Switch: in.Switch})
	return SwitchResult{Drifts: found.Drifts, Miscablings: found.Miscablings}, err
}

// PlanSwitch saves the diff that a commit of all the switch's ports would be,
// and says under which name. It touches nothing.
func PlanSwitch(ctx workflow.Context, in SwitchInput) (answer string, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return "", err
	}
	defer func() { r.finish(ctx, err) }()
	if err := r.enter(ctx, StepCheck, string(in.Switch)); err != nil {
		return "", err
	}
	plan, err := call(ctx, r, looking, SiteQueue(in.Site), "plan of "+string(in.Switch),
		switches.PlanSwitch, activities.PlanSwitchInput{Switch: in.Switch})
	return plan.Answer, err
}

func switchAttributes(id metal.SwitchID, site metal.SiteID) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(SwitchAttr.ValueSet(string(id)), SiteAttr.ValueSet(string(site)))
}
