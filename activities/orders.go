package activities

import (
	"context"
	"fmt"

	"millwright/internal/metal"
)

// Orders writes down what is wanted before anything is done about it.
type Orders struct{ Store OrderStore }

// OrderStore keeps orders, unique by their ID.
type OrderStore interface {
	// RecordOrder writes an order, and the device of a provision, or finds the
	// row of an earlier ask that said the same.
	RecordOrder(ctx context.Context, order metal.Order) (metal.OrderStatus, error)
	// AbandonOrder ends an order that no run was started for.
	AbandonOrder(ctx context.Context, order metal.OrderID, outcome string) error
}

// RecordOrderInput is an order as its orderer gave it: metal.OrderInput in
// JSON, not yet trusted.
type RecordOrderInput struct {
	Order metal.OrderID
	Input []byte
}

// RecordOrderResult is how the order stands: its first outcome on a repeat.
type RecordOrderResult struct {
	Status          metal.OrderStatus
	OperatingSystem metal.OperatingSystemID // of a reinstall
	ScriptURL       string                  `json:",omitempty"` // of a reinstall with a system that boots one
}

// RecordOrder checks an order and writes its row. It refuses, by field, what
// cannot be: a misspelt or missing field, unknown names, a plan that does not
// run the system, a device that is gone.
func (o *Orders) RecordOrder(ctx context.Context, in RecordOrderInput) (RecordOrderResult, error) {
	order, err := metal.ParseOrder(in.Order, in.Input)
	if err != nil {
		return RecordOrderResult{}, classify(fmt.Errorf("order %s: %w", in.Order, err))
	}
	status, err := o.Store.RecordOrder(ctx, order)
	return RecordOrderResult{Status: status, OperatingSystem: order.Wish.OperatingSystem, ScriptURL: order.Wish.ScriptURL}, classify(err)
}

// AbandonOrderInput names an order whose device run was never started.
type AbandonOrderInput struct {
	Order   metal.OrderID
	Outcome string
}

// AbandonOrderResult is empty.
type AbandonOrderResult struct{}

// AbandonOrder ends an order before anything was done for it. A device that
// was there before is left as it is.
func (o *Orders) AbandonOrder(ctx context.Context, in AbandonOrderInput) (AbandonOrderResult, error) {
	return AbandonOrderResult{}, classify(o.Store.AbandonOrder(ctx, in.Order, in.Outcome))
}
