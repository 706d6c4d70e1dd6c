package postgres

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// BeginFleet writes a fleet's row, or finds it: a repeat must say the same.
func (s *Store) BeginFleet(ctx context.Context, f metal.Fleet) (metal.FleetStatus, error) {
	status, _, err := s.PlaceFleet(ctx, f)
	return status, err
}

// PlaceFleet is BeginFleet for whoever has to know whether this call wrote the
// row. What no device of it could be is refused before anything is ordered.
func (s *Store) PlaceFleet(ctx context.Context, f metal.Fleet) (status metal.FleetStatus, fresh bool, err error) {
	err = s.in(ctx, func(q *query.Queries) error {
		if err := openProject(ctx, q, f.Wish.Device.Project); err != nil {
			return err
		}
		rows, err := q.InsertFleet(ctx, query.InsertFleetParams{
			ID: f.Batch, Project: string(f.Wish.Device.Project), Quantity: int32(f.Wish.Quantity), Fleet: string(f.ID),
			Input: f.Input, Enough: int32(f.Wish.Enough), Within: time.Duration(f.Wish.Within),
		})
		if err != nil {
			return err
		}
		if fresh = rows == 1; fresh {
			return s.admitFleet(ctx, q, f)
		}
		row, err := q.GetFleet(ctx, string(f.ID))
		if err == nil && !sameJSON(row.Input, f.Input) {
			err = fmt.Errorf("fleet %s: it was given before with another input; use a new ID: %w", f.ID, metal.ErrOrderConflict)
		}
		return err
	})
	if err != nil {
		return metal.FleetStatus{}, false, err
	}
	status, err = s.Fleet(ctx, f.ID)
	return status, fresh, err
}

// admitFleet refuses what would be refused of its devices one by one: one at
// each site is looked at, and the quota is asked for all.
func (s *Store) admitFleet(ctx context.Context, q *query.Queries, f metal.Fleet) error {
	w := f.Wish.Device
	for n := range min(len(f.Wish.Sites), f.Wish.Quantity) {
		o, err := f.Order(n)
		if err != nil {
			return err
		}
		if err := canBe(ctx, q, o.Wish); err != nil {
			return err
		}
		if err := s.laysItOut(o); err != nil {
			return err
		}
	}
	if w.UserData != "" {
		body, err := q.UserDataOf(ctx, w.UserData)
		if err != nil {
			return err
		}
		if err := s.checkUserData(ctx, q, string(w.OperatingSystem), body); err != nil {
			return err
		}
	}
	return checkDeviceQuota(ctx, q, w.Project, w.Plan, f.Wish.Quantity)
}
