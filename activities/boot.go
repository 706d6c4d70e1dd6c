package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"millwright/internal/metal"
)

// Boot says what a machine boots next. The site's boot services act on it.
type Boot struct{ Store BootStore }

// BootStore keeps what each machine should boot.
type BootStore interface {
	// BootAgent numbers the machine's next boot; an attempt of a claim is numbered once.
	BootAgent(ctx context.Context, want metal.NextBoot) (metal.Booting, error)
	// BootDisk tells the agent of this boot to leave, and the machine to boot its disk.
	BootDisk(ctx context.Context, claim metal.Claim, boot metal.BootNumber) error
}

// BootAgentInput says what the agent is to do, and in which attempt of the run.
type BootAgentInput struct {
	Claim   metal.Claim
	Attempt int       // 1, 2, …: a repeat of one attempt finds its number
	Job     metal.Job // install, erase, prove, rescue, idle; or the tenant's own script
	Brief   bool      `json:",omitempty"` // prove without a burn-in
}

// BootAgentResult carries the number that this boot's reports will name.
type BootAgentResult struct {
	Boot metal.BootNumber
	Warm bool `json:",omitempty"` // the agent was waiting on the machine, and has the job now
}

// BootAgent makes the machine's next boot the agent, with a job for it, and
// binds the boot's reports to this run. An agent that waits on the machine gets
// an install at once.
func (b *Boot) BootAgent(ctx context.Context, in BootAgentInput) (BootAgentResult, error) {
	run := activity.GetInfo(ctx).WorkflowExecution.ID
	booting, err := b.Store.BootAgent(ctx, metal.NextBoot{Claim: in.Claim, Attempt: in.Attempt, Job: in.Job, Brief: in.Brief, Run: run})
	return BootAgentResult{Boot: booting.Number, Warm: booting.Warm}, classify(err)
}

// BootDiskInput names the boot whose agent may leave.
type BootDiskInput struct {
	Claim metal.Claim
	Boot  metal.BootNumber
}

// BootDiskResult is empty.
type BootDiskResult struct{}

// BootDisk lets the agent leave for the disk, now and at every boot to come.
func (b *Boot) BootDisk(ctx context.Context, in BootDiskInput) (BootDiskResult, error) {
	return BootDiskResult{}, classify(b.Store.BootDisk(ctx, in.Claim, in.Boot))
}
