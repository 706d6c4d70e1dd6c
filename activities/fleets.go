package activities

import (
	"context"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Fleets writes down what is wanted of many devices at once.
type Fleets struct{ Store FleetStore }

// FleetStore keeps fleets, unique by their ID.
type FleetStore interface {
	BeginFleet(ctx context.Context, f metal.Fleet) (metal.FleetStatus, error)
	OrderFleet(ctx context.Context, id metal.FleetID, from, to int) (ended []int, err error)
	ReturnFleet(ctx context.Context, id metal.FleetID, from, to int) (back []int, kept []string, err error)
	EndFleet(ctx context.Context, id metal.FleetID, state, outcome string) error
	Fleet(ctx context.Context, id metal.FleetID) (metal.FleetStatus, error)
	// OpenOfFleet lists the devices, by number, that have an order without an outcome.
	OpenOfFleet(ctx context.Context, id metal.FleetID, of []int) ([]int, error)
	OpenFleets(ctx context.Context, olderThan time.Duration, most int) ([]metal.LostFleet, error)
}

// BeginFleetInput is a fleet as its orderer gave it: metal.FleetInput in JSON,
// not yet trusted.
type BeginFleetInput struct {
	Fleet metal.FleetID
	Input []byte
}

// FleetPart is some devices of a fleet: numbers from 0, To left out.
type FleetPart struct {
	Fleet    metal.FleetID
	From, To int
}

// BeginFleetResult is the fleet as it is checked, and how it stands.
type BeginFleetResult struct {
	Wish   metal.FleetInput
	Status metal.FleetStatus
}

// BeginFleet checks a fleet and writes its row. A repeat finds it.
func (a *Fleets) BeginFleet(ctx context.Context, in BeginFleetInput) (BeginFleetResult, error) {
	f, err := metal.ParseFleet(in.Fleet, in.Input)
	if err != nil {
		return BeginFleetResult{}, classify(fmt.Errorf("fleet %s: %w", in.Fleet, err))
	}
	status, err := a.Store.BeginFleet(ctx, f)
	return BeginFleetResult{Wish: f.Wish, Status: status}, classify(err)
}

// OrderFleetResult lists what needs no run any more.
type OrderFleetResult struct {
	Ended []int `json:",omitempty"` // numbers of devices whose order has its outcome
}

// OrderFleet writes the orders of some devices, all or none.
func (a *Fleets) OrderFleet(ctx context.Context, in FleetPart) (OrderFleetResult, error) {
	ended, err := a.Store.OrderFleet(ctx, in.Fleet, in.From, in.To)
	return OrderFleetResult{Ended: ended}, classify(err)
}

// ReturnFleetResult lists what is to be taken apart, and what stays.
type ReturnFleetResult struct {
	Back []int    `json:",omitempty"`
	Kept []string `json:",omitempty"` // a sentence each
}

// ReturnFleet writes orders that give some devices back.
func (a *Fleets) ReturnFleet(ctx context.Context, in FleetPart) (ReturnFleetResult, error) {
	back, kept, err := a.Store.ReturnFleet(ctx, in.Fleet, in.From, in.To)
	return ReturnFleetResult{Back: back, Kept: kept}, classify(err)
}

// FleetStatusInput names a fleet.
type FleetStatusInput struct {
	Fleet metal.FleetID
	Of    []int `json:",omitempty"` // numbers of devices whose orders are looked at
}

// FleetStatusResult is how it stands.
type FleetStatusResult struct {
	Status metal.FleetStatus
	Open   []int `json:",omitempty"` // of those that were asked for: they have an order without an outcome
}

// FleetStatus counts what has become of a fleet's devices, and says which of
// some are still under way.
func (a *Fleets) FleetStatus(ctx context.Context, in FleetStatusInput) (FleetStatusResult, error) {
	status, err := a.Store.Fleet(ctx, in.Fleet)
	if err != nil || len(in.Of) == 0 {
		return FleetStatusResult{Status: status}, classify(err)
	}
	open, err := a.Store.OpenOfFleet(ctx, in.Fleet, in.Of)
	return FleetStatusResult{Status: status, Open: open}, classify(err)
}

// EndFleetInput is a fleet's outcome.
type EndFleetInput struct {
	Fleet   metal.FleetID
	State   string // done or failed
	Outcome string
}

// EndFleetResult is empty.
type EndFleetResult struct{}

// EndFleet writes the outcome. The first one stands.
func (a *Fleets) EndFleet(ctx context.Context, in EndFleetInput) (EndFleetResult, error) {
	return EndFleetResult{}, classify(a.Store.EndFleet(ctx, in.Fleet, in.State, in.Outcome))
}
