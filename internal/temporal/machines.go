package temporal

import (
	"context"

	"go.temporal.io/sdk/temporal"

	"millwright/workflows"
)

// StartCommission starts the proof of a machine, or refuses with ErrOpen where
// another run on it is open.
func (r Runs) StartCommission(ctx context.Context, in workflows.MachineInput) (Execution, error) {
	return r.begin(ctx, workflows.MachineRun(in.Machine), ofMachine(in), workflows.Commission, in)
}

// StartInspect starts a look at a machine that touches nothing it holds, or
// refuses with ErrOpen.
func (r Runs) StartInspect(ctx context.Context, in workflows.MachineInput) (Execution, error) {
	return r.begin(ctx, workflows.MachineRun(in.Machine), ofMachine(in), workflows.Inspect, in)
}

// StartRetire starts the end of a machine's life here, or refuses with ErrOpen.
func (r Runs) StartRetire(ctx context.Context, in workflows.MachineInput) (Execution, error) {
	return r.begin(ctx, workflows.MachineRun(in.Machine), ofMachine(in), workflows.Retire, in)
}

// StartEnrol starts the run that makes a machine of a BMC, or refuses with
// ErrOpen: the one that is open does the same.
func (r Runs) StartEnrol(ctx context.Context, in workflows.EnrolInput) (Execution, error) {
	about := temporal.NewSearchAttributes(workflows.SiteAttr.ValueSet(string(in.Site)))
	return r.begin(ctx, workflows.EnrolRun(in.Enrolment), about, workflows.Enrol, in)
}

func ofMachine(in workflows.MachineInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(workflows.MachineAttr.ValueSet(string(in.Machine)), workflows.SiteAttr.ValueSet(string(in.Site)))
}

// StartTend starts one thing that a person wants of a machine's BMC, or refuses
// with ErrOpen where a run on the machine is open.
func (r Runs) StartTend(ctx context.Context, in workflows.TendInput) (Execution, error) {
	about := ofMachine(workflows.MachineInput{Machine: in.Machine, Site: in.Site})
	return r.begin(ctx, workflows.MachineRun(in.Machine), about, workflows.Tend, in)
}

// StartUpdate starts the update of one machine's firmware, or refuses with
// ErrOpen.
func (r Runs) StartUpdate(ctx context.Context, in workflows.UpdateInput) (Execution, error) {
	about := ofMachine(workflows.MachineInput{Machine: in.Machine, Site: in.Site})
	return r.begin(ctx, workflows.MachineRun(in.Machine), about, workflows.UpdateFirmware, in)
}

// StartRollout starts a firmware's way through the idle machines of a plan, or
// refuses with ErrOpen while another one is on its way through them.
func (r Runs) StartRollout(ctx context.Context, in workflows.RolloutInput) (Execution, error) {
	about := temporal.NewSearchAttributes(workflows.SiteAttr.ValueSet(string(in.Site)), workflows.PlanAttr.ValueSet(string(in.Plan)))
	return r.begin(ctx, workflows.RolloutRun(in.Site, in.Plan), about, workflows.Rollout, in)
}
