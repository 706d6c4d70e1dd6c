package activities

import (
	"context"
	"errors"

	"millwright/internal/metal"
)

// Enrol makes machines of BMCs that an operator named.
type Enrol struct {
	Store       EnrolStore
	BMC         Identifier
	Passwords   FirstPasswords
	Credentials func(ctx context.Context, name string) (metal.Credential, error)
}

// EnrolStore keeps what operators named, and the machines that come of it.
type EnrolStore interface {
	Enrolment(ctx context.Context, id string) (e metal.Enrolment, done bool, err error)
	Admit(ctx context.Context, e metal.Enrolment, found metal.MachineIdentity) error
	EndEnrolment(ctx context.Context, id, outcome string, found metal.MachineIdentity) error
}

// Identifier asks a BMC that nobody knows yet who it is.
type Identifier interface {
	Identify(ctx context.Context, address string, cred metal.Credential) (metal.MachineIdentity, error)
}

// FirstPasswords keeps the password with which a BMC came in.
type FirstPasswords interface {
	Keep(ctx context.Context, machine metal.MachineID, cred metal.Credential) error
}

// AdmitMachineInput names an enrolment.
type AdmitMachineInput struct {
	Enrolment string
}

// AdmitMachineResult is who came in.
type AdmitMachineResult struct {
	Machine  metal.MachineID
	Identity metal.MachineIdentity
}

// AdmitMachine asks the BMC who it is, and writes the machine down. It is not
// proven yet. A repeat finds it.
func (e *Enrol) AdmitMachine(ctx context.Context, in AdmitMachineInput) (AdmitMachineResult, error) {
	defer beat(ctx)()
	wanted, done, err := e.Store.Enrolment(ctx, in.Enrolment)
	if err != nil || done {
		return AdmitMachineResult{Machine: wanted.Machine}, classify(err)
	}
	name := wanted.Credential
	if name == "" {
		name = metal.EnrolmentCredential(wanted.ID)
	}
	cred, err := e.Credentials(ctx, name)
	if err != nil {
		return AdmitMachineResult{}, classify(err)
	}
	found, err := e.BMC.Identify(ctx, wanted.Address, cred)
	if err != nil {
		return AdmitMachineResult{}, classify(err)
	}
	if err := e.Store.Admit(ctx, wanted, found); err != nil {
		return AdmitMachineResult{}, classify(err)
	}
	if wanted.Credential == "" {
		err = e.Passwords.Keep(ctx, wanted.Machine, cred)
	}
	if err == nil {
		err = e.Store.EndEnrolment(ctx, wanted.ID, "admitted", found)
	}
	return AdmitMachineResult{Machine: wanted.Machine, Identity: found}, classify(err)
}

// RefuseMachineInput names an enrolment, and says why nothing comes of it.
type RefuseMachineInput struct {
	Enrolment string
	Why       string
}

// RefuseMachineResult is empty.
type RefuseMachineResult struct{}

// RefuseMachine ends an enrolment without a machine.
func (e *Enrol) RefuseMachine(ctx context.Context, in RefuseMachineInput) (RefuseMachineResult, error) {
	err := e.Store.EndEnrolment(ctx, in.Enrolment, in.Why, metal.MachineIdentity{})
	if errors.Is(err, metal.ErrNotFound) {
		err = nil
	}
	return RefuseMachineResult{}, classify(err)
}
