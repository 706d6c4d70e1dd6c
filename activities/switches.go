package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/activity"

	"millwright/internal/metal"
)

// Switches compares switches with what they should be.
type Switches struct {
	Store     SwitchStore
	Driver    SwitchReader
	Committer *Committer
	Meter     *Meter // nil: nobody counts
}

// SwitchStore keeps what switches should be, and what was found of them.
type SwitchStore interface {
	Switch(ctx context.Context, id metal.SwitchID) (metal.Switch, error)
	// PortIntents are the ports of a switch as they should be.
	PortIntents(ctx context.Context, id metal.SwitchID, names []string) ([]metal.PortIntent, error)
	PortOutcomes(ctx context.Context, id metal.SwitchID, names []string) (map[string]metal.PortOutcome, error)
	Cables(ctx context.Context, id metal.SwitchID) (map[string]metal.Cable, error)
	RecordCheck(ctx context.Context, id metal.SwitchID, found metal.SwitchCheck) error
	RepairPorts(ctx context.Context, id metal.SwitchID, ports []metal.Port) ([]metal.PortGeneration, error)
	SaveAnswer(ctx context.Context, run string, id metal.SwitchID, body string) error
}

// SwitchReader looks at one vendor's switches and changes nothing.
type SwitchReader interface {
	// Plan is the diff that a commit of the ports would be.
	Plan(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) (string, error)
	// Drift lists ports that are not as intended.
	Drift(ctx context.Context, sw metal.Switch, ports []metal.PortIntent) ([]metal.Drift, error)
	Neighbors(ctx context.Context, sw metal.Switch) ([]metal.Neighbor, error)
	Sessions(ctx context.Context, sw metal.Switch) ([]metal.BGPSession, error)
}

// CheckSwitchInput names the switch to be compared.
type CheckSwitchInput struct {
	Switch metal.SwitchID
}

// CheckSwitchResult counts what was found.
type CheckSwitchResult struct {
	Drifts      []metal.Port // not as intended
	Miscablings int
}

// CheckSwitch compares a switch's ports with what they should be and its
// neighbours with the declared cabling, asks how its BGP sessions stand, and
// records all three. At last it reads what machines sent. First it brings the ports whose intent changed without a
// run that waits for it: a site that was imported, a reservation that ended.
// Else it changes nothing on the switch.
func (s *Switches) CheckSwitch(ctx context.Context, in CheckSwitchInput) (CheckSwitchResult, error) {
	defer beat(ctx)()
	var result CheckSwitchResult
	sw, err := s.Store.Switch(ctx, in.Switch)
	if err != nil {
		return result, classify(err)
	}
	if err := s.bringPending(ctx, sw); err != nil {
		return result, classify(err)
	}
	var found metal.SwitchCheck
	if found.Drifts, err = s.drifts(ctx, sw); err != nil {
		return result, classify(err)
	}
	if found.Miscablings, err = s.miscablings(ctx, sw); err != nil {
		return result, classify(err)
	}
	if found.Sessions, err = s.Driver.Sessions(ctx, sw); err != nil {
		return result, classify(err)
	}
	for _, d := range found.Drifts {
		result.Drifts = append(result.Drifts, d.Port)
	}
	result.Miscablings = len(found.Miscablings)
	if err := s.Store.RecordCheck(ctx, sw.ID, found); err != nil {
		return result, classify(err)
	}
	return result, classify(s.Meter.read(ctx, sw))
}

// bringPending waits for the commit of what is pending. A port that its switch
// refuses says so where ports are listed, and keeps nobody from looking.
func (s *Switches) bringPending(ctx context.Context, sw metal.Switch) error {
	intents, outcomes, err := s.stand(ctx, sw)
	if err != nil {
		return err
	}
	var pending []metal.PortGeneration
	for _, p := range intents {
		if o := outcomes[p.Port.Name]; o.Applied < p.Generation && o.Refused < p.Generation {
			pending = append(pending, metal.PortGeneration{Port: p.Port, Generation: p.Generation})
		}
	}
	if len(pending) == 0 {
		return nil
	}
	err = s.Committer.Bring(ctx, pending)
	if errors.Is(err, metal.ErrConfigRefused) {
		return nil
	}
	return err
}

// stand is what a switch's ports should be, and how it went with each.
func (s *Switches) stand(ctx context.Context, sw metal.Switch) ([]metal.PortIntent, map[string]metal.PortOutcome, error) {
	intents, err := s.Store.PortIntents(ctx, sw.ID, nil)
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(intents))
	for i, p := range intents {
		names[i] = p.Port.Name
	}
	outcomes, err := s.Store.PortOutcomes(ctx, sw.ID, names)
	return intents, outcomes, err
}

// drifts leaves out ports that a commit is on its way to, or that the switch
// has refused: those are known otherwise.
func (s *Switches) drifts(ctx context.Context, sw metal.Switch) ([]metal.Drift, error) {
	intents, err := s.settled(ctx, sw)
	if err != nil {
		return nil, err
	}
	drifts, err := s.Driver.Drift(ctx, sw, intents)
	if err != nil || len(drifts) == 0 {
		return nil, err
	}
	now, err := s.settled(ctx, sw) // one that a run changed while we looked is no drift
	return slices.DeleteFunc(drifts, func(d metal.Drift) bool {
		return !slices.ContainsFunc(now, func(p metal.PortIntent) bool {
			return p.Port == d.Port && slices.ContainsFunc(intents, func(was metal.PortIntent) bool {
				return was.Port == p.Port && was.Generation == p.Generation
			})
		})
	}), err
}

func (s *Switches) settled(ctx context.Context, sw metal.Switch) ([]metal.PortIntent, error) {
	intents, outcomes, err := s.stand(ctx, sw)
	return slices.DeleteFunc(intents, func(p metal.PortIntent) bool {
		return outcomes[p.Port.Name].Applied < p.Generation
	}), err
}

// miscablings compares whom the switch hears with where the site file says that
// each NIC is.
func (s *Switches) miscablings(ctx context.Context, sw metal.Switch) ([]metal.Miscabling, error) {
	neighbors, err := s.Driver.Neighbors(ctx, sw)
	if err != nil {
		return nil, err
	}
	cables, err := s.Store.Cables(ctx, sw.ID)
	if err != nil {
		return nil, err
	}
	var found []metal.Miscabling
	for _, n := range neighbors {
		if cable, ours := cables[n.MAC]; ours && cable.Port != n.Port {
			found = append(found, metal.Miscabling{Machine: cable.Machine, Heard: n.Port, Declared: cable.Port})
		}
	}
	return found, nil
}

// RepairSwitchInput names ports of a switch that are not as intended.
type RepairSwitchInput struct {
	Switch metal.SwitchID
	Ports  []metal.Port
}

// RepairSwitchResult is empty.
type RepairSwitchResult struct{}

// RepairSwitch commits ports again, and returns once they read back as
// intended. What is not ours on the switch stays as it is.
func (s *Switches) RepairSwitch(ctx context.Context, in RepairSwitchInput) (RepairSwitchResult, error) {
	defer beat(ctx)()
	want, err := s.Store.RepairPorts(ctx, in.Switch, in.Ports)
	if err == nil {
		err = s.Committer.Bring(ctx, want)
	}
	return RepairSwitchResult{}, classify(err)
}

// PlanSwitchInput names the switch whose next commit is to be shown.
type PlanSwitchInput struct {
	Switch metal.SwitchID
}

// PlanSwitchResult names the answer, which is too large for a history.
type PlanSwitchResult struct {
	Answer string
	Bytes  int
}

// PlanSwitch saves the diff that a commit of all the switch's ports would be.
// It touches nothing.
func (s *Switches) PlanSwitch(ctx context.Context, in PlanSwitchInput) (PlanSwitchResult, error) {
	defer beat(ctx)()
	result := PlanSwitchResult{Answer: activity.GetInfo(ctx).WorkflowExecution.RunID}
	sw, err := s.Store.Switch(ctx, in.Switch)
	if err != nil {
		return result, classify(err)
	}
	intents, err := s.Store.PortIntents(ctx, sw.ID, nil)
	if err != nil {
		return result, classify(err)
	}
	diff, err := s.Driver.Plan(ctx, sw, intents)
	if err != nil {
		return result, classify(fmt.Errorf("plan of switch %s: %w", sw.ID, err))
	}
	result.Bytes = len(diff)
	return result, classify(s.Store.SaveAnswer(ctx, result.Answer, sw.ID, diff))
}
