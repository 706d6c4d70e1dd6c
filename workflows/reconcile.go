package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// ReconcileResult counts what was found without a run and was given one.
type ReconcileResult struct {
	Orders   int `json:"orders"`
	Devices  int `json:"devices"`
	Fleets   int `json:"fleets"`
	Switches int `json:"switches"`          // with ports that nobody waits for
	Spares   int `json:"spares"`            // machines that came in, are to wait in the agent, or whose run was lost
	Webhooks int `json:"webhooks"`          // with something due
	Surveys  int `json:"surveys,omitempty"` // sites in doubt after a restore
}

// Reconcile starts what was lost: the Order of a row that has none, a Recover
// for each device that only an open run may leave as it is, and a check of each
// switch whose ports wait while nobody brings them. It runs on a
// schedule; what it starts outlives it.
func Reconcile(ctx workflow.Context) (result ReconcileResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return result, err
	}
	defer func() { r.finish(ctx, err) }()
	found, err := call(ctx, r, reading, ControlQueue, "find what nobody sees to",
		lost.FindLost, activities.FindLostInput{OrderRun: orderPrefix, DeviceRun: devicePrefix, FleetRun: fleetPrefix})
	if err != nil {
		return result, err
	}
	if result.Surveys, err = surveyDoubted(ctx, found.Doubted); err != nil {
		return result, err
	}
	for _, o := range found.Orders {
		order := childOf(ctx, OrderRun(o.Order), "started again: its run was lost", temporal.SearchAttributes{})
		if started, err := begun(ctx, workflow.ExecuteChildWorkflow(order, Order, OrderJSON(o.Input))); err != nil {
			return result, err
		} else if started {
			result.Orders++
		}
	}
	for _, d := range found.Devices {
		run := childOf(ctx, DeviceRun(d.Device), fmt.Sprintf("its run was lost while it was %s", d.State), deviceAttributes(d.Device, d.Project, d.Site, d.Plan))
		if started, err := begun(ctx, workflow.ExecuteChildWorkflow(run, Recover, RunInput{Device: d.Device, Site: d.Site})); err != nil {
			return result, err
		} else if started {
			result.Devices++
		}
	}
	for _, f := range found.Fleets {
		fleet := childOf(ctx, FleetRun(f.Fleet), "started again: its run was lost", temporal.SearchAttributes{})
		if started, err := begun(ctx, workflow.ExecuteChildWorkflow(fleet, Fleet, OrderJSON(f.Input))); err != nil {
			return result, err
		} else if started {
			result.Fleets++
		}
	}
	if result.Switches, err = checkBehind(ctx, found.Switches); err != nil {
		return result, err
	}
	if result.Spares, err = r.onMachines(ctx); err != nil {
		return result, err
	}
	if result.Webhooks, err = r.wakeWebhooks(ctx); err != nil {
		return result, err
	}
	brought, err := call(ctx, r, reading, ControlQueue, "bring names that are due",
		names.BringDueNames, activities.BringDueNamesInput{})
	for _, failed := range brought.Failed {
		workflow.GetLogger(ctx).Warn("names not brought", "why", failed)
	}
	return result, err
}

// checkBehind starts a check of each switch with ports that wait: before it
// compares, a check brings them.
func checkBehind(ctx workflow.Context, behind []activities.SwitchToCheck) (started int, err error) {
	for _, s := range behind {
		child := ending(childOf(ctx, SwitchRun(s.Switch), "ports wait, and no run does", switchAttributes(s.Switch, s.Site)))
		in := SwitchInput{Switch: s.Switch, Site: s.Site, Repair: s.Repair}
		if fresh, err := begun(ctx, workflow.ExecuteChildWorkflow(child, CheckSwitch, in)); err != nil {
			return started, err
		} else if fresh {
			started++
		}
	}
	return started, nil
}

// onMachines starts a run for each machine that one is due on: it came in, it
// should wait in the agent, or its run was lost.
func (r *run) onMachines(ctx workflow.Context) (started int, err error) {
	found, err := call(ctx, r, reading, ControlQueue, "find machines that a run is due on",
		spares.FindSpares, activities.FindSparesInput{})
	for _, m := range found.Machines {
		about := temporal.NewSearchAttributes(MachineAttr.ValueSet(string(m.Machine)), SiteAttr.ValueSet(string(m.Site)))
		child := childOf(ctx, MachineRun(m.Machine), why[m.Errand], about)
		if fresh, err := begun(ctx, workflow.ExecuteChildWorkflow(child, onMachine[m.Errand], MachineInput{Machine: m.Machine, Site: m.Site})); err != nil {
			return started, err
		} else if fresh {
			started++
		}
	}
	for _, e := range found.Enrolments {
		child := childOf(ctx, EnrolRun(e.ID), "its run was lost", temporal.NewSearchAttributes(SiteAttr.ValueSet(string(e.Site))))
		if fresh, err := begun(ctx, workflow.ExecuteChildWorkflow(child, Enrol, EnrolInput{Enrolment: e.ID, Site: e.Site})); err != nil {
			return started, err
		} else if fresh {
			started++
		}
	}
	return started, err
}

// onMachine is the run of each errand. One that was lost in the middle of a
// look, or of an update, is followed by a proof of everything.
var onMachine = map[metal.Errand]any{
	"": Warm, metal.ForWarm: Warm, metal.ForRetire: Retire,
	metal.ForCommission: Commission, metal.ForInspect: Commission, metal.ForUpdate: Commission,
}

var why = map[metal.Errand]string{
	"": "an idle machine is to wait in the agent", metal.ForWarm: "an idle machine is to wait in the agent",
	metal.ForRetire: "its run was lost", metal.ForCommission: "it is to be proven",
	metal.ForInspect: "its run was lost: it is to be proven", metal.ForUpdate: "its run was lost: it is to be proven",
}

// begun waits until a child has started. That another run has its ID by now is
// good news.
func begun(ctx workflow.Context, child workflow.ChildWorkflowFuture) (bool, error) {
	err := child.GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return false, nil
	}
	return err == nil, err
}
