package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// ActOnDevice orders an action on a device that is there, and puts the device
// into the state of that action at once: customers' tools take a device that is
// still active for one that is done.
func (s *Store) ActOnDevice(ctx context.Context, request metal.Request, id metal.OrderID, in metal.OrderInput, userData []byte) (given metal.GivenOrder, err error) {
	err = s.change(ctx, request, func(q *query.Queries) (string, error) {
		d, err := lockDevice(ctx, q, in.Device)
		if err != nil {
			return "", err
		}
		if err := may(d, in.Action); err != nil {
			return "", err
		}
		if len(userData) > 0 {
			if err := setUserData(ctx, q, d, userData); err != nil {
				return "", err
			}
		}
		given, err = s.announce(ctx, q, d, id, in)
		return "", err
	})
	return given, err
}

// DropDevice orders the end of a device. One whose end was ordered before is
// left alone: there is no order then.
func (s *Store) DropDevice(ctx context.Context, request metal.Request, id metal.OrderID, device metal.DeviceID) (given metal.GivenOrder, err error) {
	err = s.change(ctx, request, func(q *query.Queries) (string, error) {
		given, err = s.drop(ctx, q, id, device)
		return "", err
	})
	return given, err
}

func (s *Store) drop(ctx context.Context, q *query.Queries, id metal.OrderID, device metal.DeviceID) (metal.GivenOrder, error) {
	d, err := lockDevice(ctx, q, device)
	if err != nil || ending(d) {
		return metal.GivenOrder{}, err
	}
	return s.announce(ctx, q, d, id, metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
}

func ending(d query.Device) bool {
	return d.State == string(metal.Deprovisioning) || d.State == string(metal.Deleted)
}

// may refuses an action in a state that is not for it: only devices that no run
// is at work on can be acted on.
func may(d query.Device, action metal.Action) error {
	var from []metal.DeviceState
	for _, state := range starts[action] {
		if state != during[action] {
			from = append(from, state)
		}
	}
	if slices.Contains(from, metal.DeviceState(d.State)) {
		return nil
	}
	return fmt.Errorf("type: %s is not possible while the device is %s; wait until it is %s: %w",
		strings.ReplaceAll(string(action), "-", "_"), d.State, strings.Join(words(from), " or "), metal.ErrWrongState)
}

// announce writes an order and shows at once what it will do. The order
// remembers the state before: it tells the run that begins from one that goes
// on, and keeps reconcile from ending what has not begun.
func (s *Store) announce(ctx context.Context, q *query.Queries, d query.Device, id metal.OrderID, in metal.OrderInput) (metal.GivenOrder, error) {
	input, err := json.Marshal(in)
	if err != nil {
		return metal.GivenOrder{}, err
	}
	order, err := metal.ParseOrder(id, input)
	if err != nil {
		return metal.GivenOrder{}, err
	}
	var fresh bool
	if _, err := s.place(ctx, q, order, &fresh); err != nil {
		return metal.GivenOrder{}, err
	}
	if err := q.OrderWas(ctx, query.OrderWasParams{ID: string(id), Was: d.State}); err != nil {
		return metal.GivenOrder{}, err
	}
	return metal.GivenOrder{ID: id, Input: order.Input}, setState(ctx, q, in.Device, during[in.Action], "")
}

// takeBack shows a device as it was before an order that nobody sees to any
// more.
func takeBack(ctx context.Context, q *query.Queries, d query.Device, order query.Order) error {
	if order.Was == "" || d.State != string(during[metal.Action(order.Action)]) {
		return nil
	}
	return setState(ctx, q, metal.DeviceID(d.ID), metal.DeviceState(order.Was), d.Reason)
}
