package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// starter starts the run that sees to an order, or to a fleet. Safe to repeat.
type starter interface {
	StartOrder(ctx context.Context, order metal.OrderID, input []byte) error
	StartFleet(ctx context.Context, fleet metal.FleetID, input []byte) error
}

// office takes orders: the row first, then the run.
type office struct {
	store *postgres.Store
	runs  starter
	// startLimit is how long the run's start is tried. The row is written: what
	// was not started, reconcile starts.
	startLimit time.Duration
}

// placed is an order that stands.
type placed struct {
	metal.OrderStatus
	fresh  bool  // this call wrote it
	unsent error // why its run could not be started yet
}

func (o office) place(ctx context.Context, order metal.Order) (placed, error) {
	var p placed
	err := tried(func() (err error) {
		p.OrderStatus, p.fresh, err = o.store.PlaceOrder(ctx, order)
		return err
	})
	if err != nil || p.State != "wanted" {
		return p, err
	}
	limited, cancel := o.detached(ctx)
	defer cancel()
	if err := o.runs.StartOrder(limited, order.ID, order.Input); err != nil {
		p.unsent = fmt.Errorf("order %s stands; its run could not be started: %w", order.ID, err)
	}
	return p, nil
}

// placedFleet is a fleet that stands.
type placedFleet struct {
	metal.FleetStatus
	fresh  bool
	unsent error
}

func (o office) placeFleet(ctx context.Context, fleet metal.Fleet) (placedFleet, error) {
	var p placedFleet
	err := tried(func() (err error) {
		p.FleetStatus, p.fresh, err = o.store.PlaceFleet(ctx, fleet)
		return err
	})
	if err != nil || p.Ended != nil {
		return p, err
	}
	limited, cancel := o.detached(ctx)
	defer cancel()
	if err := o.runs.StartFleet(limited, fleet.ID, fleet.Input); err != nil {
		p.unsent = fmt.Errorf("fleet %s stands; its run could not be started: %w", fleet.ID, err)
	}
	return p, nil
}

// detached lets a start go on when whoever gave the order hangs up: it stands.
func (o office) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), o.startLimit)
}

// tried writes an order, again where it met another one.
func tried(write func() error) (err error) {
	for range placeTries {
		if err = write(); !collision(err) {
			break
		}
	}
	return err
}

// placeTries is enough: each collision is with another order that got through.
const placeTries = 4

// collision reports whether two orders met in Postgres (one device ID asked for
// twice, a deadlock): the next try sees what the other one wrote.
func collision(err error) bool {
	var sql *pgconn.PgError
	if !errors.As(err, &sql) {
		return false
	}
	switch sql.Code {
	case "23505", "40001", "40P01": // unique_violation, serialization_failure, deadlock_detected
		return true
	}
	return false
}
