package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"millwright/internal/metal"
)

// Aside takes machines that no device lives on for runs of their own, and ends
// those. Everything here is one transaction on Postgres.
type Aside struct{ Store AsideStore }

// AsideStore keeps who holds which machine, and how it stands.
type AsideStore interface {
	ClaimAside(ctx context.Context, machine metal.MachineID, run string, errand metal.Errand) (metal.Holding, error)
	// PutBack makes the machine what it was before.
	PutBack(ctx context.Context, claim metal.Claim) error
	// ReleaseProven makes the machine idle, or says why not and changes nothing.
	ReleaseProven(ctx context.Context, claim metal.Claim, boot metal.BootNumber) (why []string, err error)
	// RetireMachine ends the machine's life here, or says why not.
	RetireMachine(ctx context.Context, claim metal.Claim, boot metal.BootNumber) (why []string, err error)
	// IdleBehind lists idle machines of a plan with another version of a firmware.
	IdleBehind(ctx context.Context, site metal.SiteID, plan metal.PlanID, component, version string) ([]metal.MachineID, error)
}

// ClaimAsideInput names a machine, and what is to be done with it.
type ClaimAsideInput struct {
	Machine metal.MachineID
	Errand  metal.Errand
}

// ClaimAsideResult is the machine, and the right to touch it.
type ClaimAsideResult struct {
	Holding metal.Holding
}

// ClaimAside takes the machine for this run. A repeat takes it again, under a
// new epoch.
func (a *Aside) ClaimAside(ctx context.Context, in ClaimAsideInput) (ClaimAsideResult, error) {
	holding, err := a.Store.ClaimAside(ctx, in.Machine, activity.GetInfo(ctx).WorkflowExecution.ID, in.Errand)
	return ClaimAsideResult{Holding: holding}, classify(err)
}

// PutBackInput names a claim.
type PutBackInput struct {
	Claim metal.Claim
}

// PutBackResult is empty.
type PutBackResult struct{}

// PutBack makes the machine what it was before this run took it.
func (a *Aside) PutBack(ctx context.Context, in PutBackInput) (PutBackResult, error) {
	return PutBackResult{}, classify(a.Store.PutBack(ctx, in.Claim))
}

// ReleaseProvenInput names a claim, and the boot that erased the machine; 0
// where nothing had to be erased.
type ReleaseProvenInput struct {
	Claim metal.Claim
	Boot  metal.BootNumber
}

// ReleaseProvenResult says why the machine is not idle; nothing where it is.
type ReleaseProvenResult struct {
	Why []string `json:",omitempty"`
}

// ReleaseProven makes a machine idle that is as its plan says, and erased.
func (a *Aside) ReleaseProven(ctx context.Context, in ReleaseProvenInput) (ReleaseProvenResult, error) {
	why, err := a.Store.ReleaseProven(ctx, in.Claim, in.Boot)
	return ReleaseProvenResult{Why: why}, classify(err)
}

// RetireMachineInput names a claim, and the boot that erased the machine.
type RetireMachineInput struct {
	Claim metal.Claim
	Boot  metal.BootNumber
}

// RetireMachineResult says why the machine is not retired; nothing where it is.
type RetireMachineResult struct {
	Why []string `json:",omitempty"`
}

// RetireMachine ends the machine's life here, if its erasure is proven.
func (a *Aside) RetireMachine(ctx context.Context, in RetireMachineInput) (RetireMachineResult, error) {
	why, err := a.Store.RetireMachine(ctx, in.Claim, in.Boot)
	return RetireMachineResult{Why: why}, classify(err)
}

// ListBehindInput names a firmware that the machines of a plan should have.
type ListBehindInput struct {
	Site      metal.SiteID
	Plan      metal.PlanID
	Component string
	Version   string
}

// ListBehindResult lists those that have another.
type ListBehindResult struct {
	Machines []metal.MachineID `json:",omitempty"`
}

// ListBehind lists idle machines of a plan that have another version of a
// firmware, by what the last patrol read.
func (a *Aside) ListBehind(ctx context.Context, in ListBehindInput) (ListBehindResult, error) {
	machines, err := a.Store.IdleBehind(ctx, in.Site, in.Plan, in.Component, in.Version)
	return ListBehindResult{Machines: machines}, classify(err)
}
