package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"millwright/internal/metal"
)

// Spares is about machines that no device lives on. Everything here is one
// transaction on Postgres.
type Spares struct {
	Store SpareStore
	Runs  Runs
}

// SpareStore keeps who holds which idle machine.
type SpareStore interface {
	// MachinesToProve lists machines that came in, and that no run has proven.
	MachinesToProve(ctx context.Context, most int) ([]metal.Spare, error)
	OpenEnrolments(ctx context.Context, olderThan time.Duration, most int) ([]metal.Enrolment, error)
	// EndMaintenance sends machines whose maintenance should be over to quarantine.
	EndMaintenance(ctx context.Context) (ended int, err error)
	// MachinesToWarm lists idle machines that should wait in the agent and do
	// not, or whose agent has waited for too long.
	MachinesToWarm(ctx context.Context, most int) ([]metal.Spare, error)
	// LostSpares lists machines that runs of their own hold.
	LostSpares(ctx context.Context, olderThan time.Duration, most int) ([]metal.Spare, error)
	// ClaimSpare takes an idle machine for a run of its own; again for the same run.
	ClaimSpare(ctx context.Context, machine metal.MachineID, run string) (metal.Holding, error)
	// ReturnSpare makes it idle again, with its agent waiting or not.
	ReturnSpare(ctx context.Context, claim metal.Claim, warm bool) error
	// GiveUpKexec remembers that kexec failed on the machine.
	GiveUpKexec(ctx context.Context, claim metal.Claim, why string) error
}

// warmAtOnce bounds one look; the next one finds the rest. Machines that all
// power up together would trip a rack's breaker.
const warmAtOnce = 10

// FindSparesInput is empty.
type FindSparesInput struct{}

// FindSparesResult lists machines for which a run is to be started, by errand,
// and enrolments that nothing came of.
type FindSparesResult struct {
	Machines   []metal.Spare
	Enrolments []EnrolmentToDo `json:",omitempty"`
}

// EnrolmentToDo names an enrolment.
type EnrolmentToDo struct {
	ID   string
	Site metal.SiteID
}

// FindSpares lists machines whose run of their own was lost, machines that came
// in and are to be proven, idle ones that should wait in the agent, and
// enrolments without a run. It also ends maintenance that should be over.
func (s *Spares) FindSpares(ctx context.Context, _ FindSparesInput) (FindSparesResult, error) {
	defer beat(ctx)()
	var found FindSparesResult
	if _, err := s.Store.EndMaintenance(ctx); err != nil {
		return found, classify(err)
	}
	lost, err := s.Store.LostSpares(ctx, lostAfter, lostAtOnce)
	if err != nil {
		return found, classify(err)
	}
	for _, m := range lost {
		open, err := s.Runs.Open(ctx, m.Run)
		if err != nil {
			return found, err
		}
		if !open {
			found.Machines = append(found.Machines, m)
		}
	}
	for _, list := range []func(context.Context, int) ([]metal.Spare, error){s.Store.MachinesToProve, s.Store.MachinesToWarm} {
		more, err := list(ctx, warmAtOnce)
		if err != nil {
			return found, classify(err)
		}
		found.Machines = append(found.Machines, more...)
	}
	open, err := s.Store.OpenEnrolments(ctx, lostAfter, lostAtOnce)
	for _, e := range open {
		found.Enrolments = append(found.Enrolments, EnrolmentToDo{ID: e.ID, Site: e.Site})
	}
	return found, classify(err)
}

// ClaimSpareInput names an idle machine.
type ClaimSpareInput struct {
	Machine metal.MachineID
}

// ClaimSpareResult is the machine, and the right to touch it.
type ClaimSpareResult struct {
	Holding metal.Holding
}

// ClaimSpare takes an idle machine for this run. A repeat takes it again, under
// a new epoch.
func (s *Spares) ClaimSpare(ctx context.Context, in ClaimSpareInput) (ClaimSpareResult, error) {
	holding, err := s.Store.ClaimSpare(ctx, in.Machine, activity.GetInfo(ctx).WorkflowExecution.ID)
	return ClaimSpareResult{Holding: holding}, classify(err)
}

// ReturnSpareInput names the claim, and whether the machine's agent waits.
type ReturnSpareInput struct {
	Claim metal.Claim
	Warm  bool
}

// ReturnSpareResult is empty.
type ReturnSpareResult struct{}

// ReturnSpare makes the machine idle again.
func (s *Spares) ReturnSpare(ctx context.Context, in ReturnSpareInput) (ReturnSpareResult, error) {
	return ReturnSpareResult{}, classify(s.Store.ReturnSpare(ctx, in.Claim, in.Warm))
}

// GiveUpKexecInput names the claim, and says what happened.
type GiveUpKexecInput struct {
	Claim metal.Claim
	Why   string
}

// GiveUpKexecResult is empty.
type GiveUpKexecResult struct{}

// GiveUpKexec lets the machine reboot into installed systems from now on.
func (s *Spares) GiveUpKexec(ctx context.Context, in GiveUpKexecInput) (GiveUpKexecResult, error) {
	return GiveUpKexecResult{}, classify(s.Store.GiveUpKexec(ctx, in.Claim, in.Why))
}
