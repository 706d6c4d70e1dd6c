package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Declared is what the records say of a machine, and what its agent found in the
// boot named: nothing where it said nothing in that boot.
func (s *Store) Declared(ctx context.Context, machine metal.MachineID, boot metal.BootNumber) (metal.Declared, json.RawMessage, error) {
	q := s.Queries()
	m, err := q.DeclaredMachine(ctx, string(machine))
	if errors.Is(err, pgx.ErrNoRows) {
		return metal.Declared{}, nil, fmt.Errorf("machine %s: %w", machine, metal.ErrUnknownMachine)
	}
	if err != nil {
		return metal.Declared{}, nil, err
	}
	d := metal.Declared{Machine: machine, Firmware: metal.Firmware(m.Firmware), Plan: metal.PlanID(m.Plan), Serial: m.Serial}
	if d.Fitness, err = fitnessOf(m.Hardware, m.Fitness); err != nil {
		return d, nil, fmt.Errorf("plan %s: %w", m.Plan, err)
	}
	if d.Disks, err = serials(m.Disks); err != nil {
		return d, nil, fmt.Errorf("machine %s: its disks: %w", machine, err)
	}
	nics, err := q.DeclaredNICs(ctx, m.ID)
	if err != nil {
		return d, nil, err
	}
	for _, n := range nics {
		d.NICs = append(d.NICs, metal.DeclaredNIC{MAC: n.Mac, Port: metal.Port{Switch: metal.SwitchID(n.Switch), Name: n.Port}, Member: n.Member})
	}
	if m.InventoryBoot == nil || metal.BootNumber(*m.InventoryBoot) != boot {
		return d, nil, nil
	}
	return d, m.Inventory, nil
}

// fitnessOf puts a plan's two columns together: what it sells, and what else is
// expected.
func fitnessOf(hardware, fitness []byte) (f metal.Fitness, err error) {
	if err := json.Unmarshal(fitness, &f); err != nil {
		return f, fmt.Errorf("what is expected of it: %w", err)
	}
	if err := json.Unmarshal(hardware, &f); err != nil {
		return f, fmt.Errorf("its hardware: %w", err)
	}
	return f, nil
}

func serials(disks []byte) (all []string, err error) {
	var rows []struct {
		Serial string `json:"serial"`
	}
	err = json.Unmarshal(disks, &rows)
	for _, d := range rows {
		if d.Serial != "" {
			all = append(all, d.Serial)
		}
	}
	return all, err
}

// FitnessOf is what a plan expects of its machines.
func (s *Store) FitnessOf(ctx context.Context, plan metal.PlanID) (metal.Fitness, error) {
	p, err := s.Queries().GetPlan(ctx, string(plan))
	if err != nil {
		return metal.Fitness{}, fmt.Errorf("plan %s: %w", plan, err)
	}
	return fitnessOf(p.Hardware, p.Fitness)
}

// BurnIn is what the burn-in of a boot found; nil where there was none.
func (s *Store) BurnIn(ctx context.Context, machine metal.MachineID, boot metal.BootNumber) (results []metal.BurnInResult, err error) {
	body, err := s.Queries().GetBurnIn(ctx, query.GetBurnInParams{Machine: string(machine), Boot: int64(boot)})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &results)
	}
	return results, err
}
