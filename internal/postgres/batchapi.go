package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// Batches lists a project's batches, the newest first; only those of some IDs
// where any are given.
func (s *Store) Batches(ctx context.Context, project metal.ProjectID, ids ...string) ([]metal.Batch, error) {
	rows, err := s.Queries().BatchesOf(ctx, query.BatchesOfParams{Project: string(project), Ids: notNil(ids)})
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	batches := make([]metal.Batch, len(rows))
	for i, row := range rows {
		batches[i] = metal.Batch{
			ID: row.ID, Project: metal.ProjectID(row.Project), Quantity: int(row.Quantity), Created: row.CreatedAt,
			Devices: typed[metal.DeviceID](row.Devices), Waiting: int(row.UnderWay), Failures: row.Failures,
		}
	}
	return batches, nil
}

// DropBatch forgets a batch, and orders the end of its devices where these are
// to go with it. One that a fleet's run is ordering has to be cancelled first:
// the run would know no more what it has to give back.
func (s *Store) DropBatch(ctx context.Context, request metal.Request, id string, ends map[metal.DeviceID]metal.OrderID) (orders []metal.GivenOrder, err error) {
	err = s.change(ctx, request, func(q *query.Queries) (string, error) {
		orders = nil
		if busy, err := q.BatchUnderWay(ctx, id); err != nil || busy {
			return "", errors.Join(err, fmt.Errorf("batch %s: its fleet is under way; cancel that first: %w", id, metal.ErrWrongState))
		}
		for _, device := range slices.Sorted(maps.Keys(ends)) {
			given, err := s.drop(ctx, q, ends[device], device)
			if err != nil {
				return "", err
			}
			if given.ID != "" {
				orders = append(orders, given)
			}
		}
		if err := q.LeaveBatch(ctx, &id); err != nil {
			return "", err
		}
		return "", q.DeleteBatch(ctx, id)
	})
	return orders, err
}
