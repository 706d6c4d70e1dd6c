package postgres

import (
	"context"
	"fmt"
	"net/netip"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// restedAtOnce bounds what one transaction frees: whoever wants to free in the
// same block waits for it.
const restedAtOnce = 500

// releaseLeases lets go of a device's addresses: its links go to rest, and what
// it has of reservations is its project's to assign again at once. Its BGP
// sessions are over. Safe to repeat.
func releaseLeases(ctx context.Context, q *query.Queries, device metal.DeviceID) error {
	if err := q.RestLeases(ctx, string(device)); err != nil {
		return err
	}
	if err := q.CloseSessionsOf(ctx, string(device)); err != nil {
		return err
	}
	assigned, err := q.AssignedTo(ctx, string(device))
	if err != nil {
		return err
	}
	for _, a := range assigned { // in the order of the blocks, as everybody locks them
		if err := q.FreePieces(ctx, query.FreePiecesParams(a)); err != nil {
			return fmt.Errorf("unassign addresses of reservation %s: %w", a.Block, err)
		}
	}
	return nil
}

// FreeRested returns addresses that have rested for as long as their role says
// to their blocks, and says how many. One transaction frees in one block: one
// that freed in several would wait crosswise with another. Safe to repeat.
func (s *Store) FreeRested(ctx context.Context) (int, error) {
	blocks, err := s.Queries().Rested(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for addresses whose quarantine is over: %w", err)
	}
	freed := 0
	for _, b := range blocks {
		for {
			n, err := s.freeRestedIn(ctx, b)
			if err != nil {
				return freed, fmt.Errorf("free rested addresses of block %s: %w", b, err)
			}
			if freed += n; n < restedAtOnce {
				break
			}
		}
	}
	return freed, nil
}

func (s *Store) freeRestedIn(ctx context.Context, block netip.Prefix) (freed int, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		if err := q.LockBlock(ctx, block); err != nil {
			return err
		}
		begins, err := q.StillRested(ctx, query.StillRestedParams{Block: block, Most: restedAtOnce})
		if err != nil || len(begins) == 0 {
			return err
		}
		freed = len(begins)
		return q.FreePieces(ctx, query.FreePiecesParams{Block: block, Begins: begins})
	})
	return freed, err
}
