package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"millwright/internal/metal"
)

// Fitness holds machines against what they should be.
type Fitness struct {
	Store FitnessStore
	Judge Judge
}

// FitnessStore keeps what machines should be, and what was found of them.
type FitnessStore interface {
	// Declared is what the records say, and what the agent of a boot found.
	Declared(ctx context.Context, machine metal.MachineID, boot metal.BootNumber) (metal.Declared, json.RawMessage, error)
	// NoteSerial remembers the first serial, and answers who else has this one.
	NoteSerial(ctx context.Context, machine metal.MachineID, serial string) ([]metal.MachineID, error)
	BurnIn(ctx context.Context, machine metal.MachineID, boot metal.BootNumber) ([]metal.BurnInResult, error)
	RecordFindings(ctx context.Context, found metal.Found) (metal.Verdict, error)
}

// Judge knows what to make of what was found. It asks nobody.
type Judge interface {
	// Serial is the system's, out of an inventory.
	Serial(hardware json.RawMessage) string
	// Compare lists what is otherwise than declared.
	Compare(declared metal.Declared, hardware json.RawMessage) []metal.Finding
	// Reading lists what is wrong by a BMC's own word.
	Reading(r metal.Reading, baseline map[string]string) []metal.Finding
}

// CompareMachineInput names a claim, and the boot whose agent looked.
type CompareMachineInput struct {
	Claim metal.Claim
	Boot  metal.BootNumber
	Brief bool `json:",omitempty"` // neighbours may not have been heard yet, and nothing was tested under load
}

// CompareMachineResult says what keeps the machine from the pool.
type CompareMachineResult struct {
	Blocking []string `json:",omitempty"` // a sentence for each issue
}

// CompareMachine holds what an agent found against the plan and the cabling, and
// what the burn-in found against what it should have. A brief look closes no
// issue: it may not have seen what another look did.
func (f *Fitness) CompareMachine(ctx context.Context, in CompareMachineInput) (CompareMachineResult, error) {
	machine := in.Claim.Machine
	declared, hardware, err := f.Store.Declared(ctx, machine, in.Boot)
	if err != nil {
		return CompareMachineResult{}, classify(err)
	}
	if serial := f.Judge.Serial(hardware); serial != "" {
		if declared.Twins, err = f.Store.NoteSerial(ctx, machine, serial); err != nil {
			return CompareMachineResult{}, classify(err)
		}
	}
	findings := f.Judge.Compare(declared, hardware)
	if in.Brief {
		findings = without(findings, metal.NoLLDP)
	} else {
		findings = strict(findings)
	}
	verdict, err := f.Store.RecordFindings(ctx, metal.Found{Machine: machine, Look: metal.LookCompare, Findings: findings, Partial: in.Brief})
	if err == nil && !in.Brief {
		verdict, err = f.burnIn(ctx, in)
	}
	return CompareMachineResult{Blocking: verdict.Blocking}, classify(err)
}

func without(findings []metal.Finding, kind metal.IssueKind) (rest []metal.Finding) {
	for _, f := range findings {
		if f.Kind != kind {
			rest = append(rest, f)
		}
	}
	return rest
}

// strict takes silence for a failure: a machine that is to be proven has to say
// what it is made of.
func strict(findings []metal.Finding) []metal.Finding {
	for i := range findings {
		if findings[i].Kind == metal.NoInventory {
			findings[i].Severity = metal.Failing
		}
	}
	return findings
}

func (f *Fitness) burnIn(ctx context.Context, in CompareMachineInput) (metal.Verdict, error) {
	results, err := f.Store.BurnIn(ctx, in.Claim.Machine, in.Boot)
	if err != nil {
		return metal.Verdict{}, err
	}
	found := metal.Found{Machine: in.Claim.Machine, Look: metal.LookBurnIn}
	for _, r := range results {
		if !r.Passed {
			found.Findings = append(found.Findings, metal.Finding{
				Kind: metal.BurnInFailed, Part: r.Test + " " + r.Part, Severity: metal.Failing,
				Detail: fmt.Sprintf("after %.0f s of load: %s", r.Seconds, r.Detail),
			})
		}
	}
	return f.Store.RecordFindings(ctx, found)
}
