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
