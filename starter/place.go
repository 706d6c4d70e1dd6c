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

// starter starts the run that sees to an order. Safe to repeat.
type starter interface {
	StartOrder(ctx context.Context, order metal.OrderID, input []byte) error
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
	var err error
	for range placeTries {
		p.OrderStatus, p.fresh, err = o.store.PlaceOrder(ctx, order)
		if !collision(err) {
			break
		}
	}
	if err != nil || p.State != "wanted" {
		return p, err
	}
	// Whoever gave the order may hang up; its run is to start all the same.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.startLimit)
	defer cancel()
	if err := o.runs.StartOrder(limited, order.ID, order.Input); err != nil {
		p.unsent = fmt.Errorf("order %s stands; its run could not be started: %w", order.ID, err)
	}
	return p, nil
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
