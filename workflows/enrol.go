package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// EnrolInput names a BMC that an operator wrote down.
type EnrolInput struct {
	Enrolment string       `json:"enrolment"`
	Site      metal.SiteID `json:"site"`
}

// Enrol makes a machine of a BMC: it is asked who it is, the machine is written
// down, and a Commission proves it. What cannot be enrolled ends with the reason,
// and leaves nothing.
func Enrol(ctx workflow.Context, in EnrolInput) (result MachineResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return MachineResult{}, err
	}
	defer func() { r.finish(ctx, err) }()
	if err := r.enter(ctx, StepIdentify, in.Enrolment, SiteAttr.ValueSet(string(in.Site))); err != nil {
		return MachineResult{}, err
	}
	found, err := call(ctx, r, device, SiteQueue(in.Site), "ask who it is", enrol.AdmitMachine, activities.AdmitMachineInput{Enrolment: in.Enrolment})
	if err != nil {
		return MachineResult{}, r.refuseEnrolment(ctx, in, err)
	}
	about := temporal.NewSearchAttributes(MachineAttr.ValueSet(string(found.Machine)), SiteAttr.ValueSet(string(in.Site)))
	child := childOf(ctx, MachineRun(found.Machine), "it came in, and is to be proven", about)
	_, err = begun(ctx, workflow.ExecuteChildWorkflow(child, Commission, MachineInput{Machine: found.Machine, Site: in.Site}))
	return MachineResult{Machine: found.Machine, State: metal.Enrolled}, err
}

func (r *run) refuseEnrolment(ctx workflow.Context, in EnrolInput, cause error) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if _, err := call(ctx, r, settling, SiteQueue(in.Site), "end the enrolment", enrol.RefuseMachine,
		activities.RefuseMachineInput{Enrolment: in.Enrolment, Why: sentence(cause)}); err != nil {
		return failure(UndoFailed, "enrolment %s: %s (after: %s)", in.Enrolment, sentence(err), sentence(cause))
	}
	return cause
}
