package activities

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// TendBMCInput names a machine, and what is wanted of its BMC.
type TendBMCInput struct {
	Machine metal.MachineID
	Verb    metal.Tending
}

// TendBMCResult is empty.
type TendBMCResult struct{}

// TendBMC does one thing to a machine's BMC, by a person's word. Each is the same
// done twice.
func (g *Guard) TendBMC(ctx context.Context, in TendBMCInput) (TendBMCResult, error) {
	defer beat(ctx)()
	power := in.Verb == metal.TendOn || in.Verb == metal.TendOff
	machine, err := g.Store.AsideMachine(ctx, in.Machine, power)
	if err == nil {
		err = g.tend(ctx, machine, in.Verb)
	}
	if err == nil {
		err = g.Store.Event(ctx, metal.Claim{Machine: in.Machine}, "bmc", fmt.Sprintf("by an operator: %s of machine %s", in.Verb, in.Machine))
	}
	return TendBMCResult{}, classify(err)
}

func (g *Guard) tend(ctx context.Context, m metal.Machine, verb metal.Tending) error {
	switch verb {
	case metal.TendOn:
		return g.BMC.SetPower(ctx, m.BMC, metal.On)
	case metal.TendOff:
		return g.BMC.SetPower(ctx, m.BMC, metal.Off)
	case metal.TendReset:
		return g.BMC.ColdReset(ctx, m.BMC)
	case metal.TendRead, metal.TendClearLog:
	default:
		return fmt.Errorf("machine %s: %q: want read, clear-log, reset-bmc, power-on, power-off or rotate-password: %w", m.ID, verb, metal.ErrUnsupported)
	}
	fitness, err := g.Store.FitnessOf(ctx, m.Plan)
	if err != nil {
		return err
	}
	r, err := read(ctx, g.Store, g.BMC, m.BMC)
	if err == nil {
		err = keep(ctx, g.Store, g.Judge, r, fitness.Baseline)
	}
	if err != nil || verb == metal.TendRead {
		return err
	}
	return g.BMC.ClearLog(ctx, m.BMC) // once its entries are kept
}
