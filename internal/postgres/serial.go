package postgres

import (
	"context"
	"fmt"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// NoteSerial remembers the serial that a machine was first found with, and
// answers which others were found with it. Those have the issue from here on,
// too: nobody knows which of them wears its own label, and the one that was
// looked at first may be in the pool.
func (s *Store) NoteSerial(ctx context.Context, machine metal.MachineID, serial string) (twins []metal.MachineID, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		if err := q.TurnAtSerial(ctx, serial); err != nil {
			return err
		}
		if err := q.SetSerial(ctx, query.SetSerialParams{Machine: string(machine), Serial: serial}); err != nil {
			return err
		}
		rows, err := q.Twins(ctx, query.TwinsParams{Machine: string(machine), Serial: serial})
		if err != nil {
			return err
		}
		for _, id := range rows {
			twins = append(twins, metal.MachineID(id))
			if err := accuse(ctx, q, metal.MachineID(id), machine, serial); err != nil {
				return fmt.Errorf("machine %s has serial %s, which %s has too: %w", machine, serial, id, err)
			}
		}
		return nil
	})
	return twins, err
}

// accuse opens the issue at the machine that was looked at before.
func accuse(ctx context.Context, q *query.Queries, twin, machine metal.MachineID, serial string) error {
	m, err := lockLife(ctx, q, twin)
	if err != nil {
		return err
	}
	found := metal.Found{Machine: twin, Look: metal.LookCompare, Partial: true, Findings: []metal.Finding{{
		Kind: metal.DuplicateSerial, Severity: metal.Failing, Detail: fmt.Sprintf("serial %s is also that of %s", serial, machine),
	}}}
	if err := openFindings(ctx, q, m, found); err != nil {
		return err
	}
	_, err = judge(ctx, q, m)
	return err
}
