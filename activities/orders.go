package activities

import (
	"context"

	"millwright/internal/metal"
)

// Orders writes down what is wanted before anything is done about it.
type Orders struct{ Store OrderStore }

// OrderStore keeps orders, unique by their ID.
type OrderStore interface {
	// RecordOrder writes an order, and the device of a provision, or finds the
	// row of an earlier ask that said the same.
	RecordOrder(ctx context.Context, order metal.Order) (metal.OrderStatus, error)
	// OrderStarted notes that the order's run was started.
	OrderStarted(ctx context.Context, order metal.OrderID) error
}

// RecordOrderInput is an order as its orderer gave it.
type RecordOrderInput struct {
	Order metal.Order
}

// RecordOrderResult is how the order stands: its first outcome on a repeat.
type RecordOrderResult struct {
	Status metal.OrderStatus
}

// RecordOrder writes the order's row, refusing what cannot be: unknown names,
// a plan that does not run the system, a device that is gone.
func (o *Orders) RecordOrder(ctx context.Context, in RecordOrderInput) (RecordOrderResult, error) {
	status, err := o.Store.RecordOrder(ctx, in.Order)
	return RecordOrderResult{Status: status}, classify(err)
}

// OrderStartedInput names an order whose run is under way.
type OrderStartedInput struct {
	Order metal.OrderID
}

// OrderStartedResult is empty.
type OrderStartedResult struct{}

// OrderStarted notes that the order's run was started, so that reconcile
// watches the run and no longer the order.
func (o *Orders) OrderStarted(ctx context.Context, in OrderStartedInput) (OrderStartedResult, error) {
	return OrderStartedResult{}, classify(o.Store.OrderStarted(ctx, in.Order))
}
