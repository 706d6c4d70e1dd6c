package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

const (
	// fleetPart is how many orders are written at a time.
	fleetPart = 25
	// fleetLook is how often a fleet looks after devices whose runs it did not
	// start itself: an earlier run of the fleet did, or an Order.
	fleetLook = 15 * time.Second
)

// FleetResult is the first outcome of a fleet: a repeat of its ID gets the same
// devices.
type FleetResult struct {
	Fleet   metal.FleetID `json:"fleet"`
	Batch   string        `json:"batch"`
	State   string        `json:"state"` // done or failed
	Active  int           `json:"active"`
	Outcome string        `json:"outcome,omitempty"`
}

// FleetCount is how far a Fleet is.
type FleetCount struct {
	Quantity int `json:"quantity"`
	Enough   int `json:"enough"`
	Ordered  int `json:"ordered"`
	Open     int `json:"open"` // runs under way
	Ended    int `json:"ended"`
	Failed   int `json:"failed"` // of those that ended
}

// fleet is one run of Fleet.
type fleet struct {
	*run
	id    metal.FleetID
	wish  metal.FleetInput
	batch string

	next    int                         // number of the first device without an order
	open    map[int]metal.DeviceID      // runs under way that this run started
	others  map[int]metal.DeviceID      // runs under way that somebody else started
	ended   int                         // runs that ended
	failed  int                         // of those
	kept    []string                    // devices that could not be given back, a sentence each
	refused error                       // why nothing more is ordered
	ending  workflow.Selector           // of what ends
	stop    func()                      // cancels the runs under way
	runs    workflow.Context            // what they are started under
	start   func(n int) (any, RunInput) // the run of a device
}

// Fleet orders many devices as one: spread over sites and racks, so many runs
// at a time, and all or enough of them by a deadline. With fewer, and when it is
// cancelled, everything is given back. Anybody may start it, as fleet/<their
// id>, with a metal.FleetInput in JSON.
func Fleet(ctx workflow.Context, input converter.RawValue) (result FleetResult, err error) {
	r, err := newRun(ctx)
	if err != nil {
		return FleetResult{}, err
	}
	defer func() { r.finish(ctx, err) }()
	id, ok := strings.CutPrefix(workflow.GetInfo(ctx).WorkflowExecution.ID, fleetPrefix)
	if !ok {
		return FleetResult{}, failure(activities.InvalidOrder, "workflow ID: want %q and the fleet's own ID", fleetPrefix)
	}
	f := &fleet{run: r, id: metal.FleetID(id)}
	begun, err := f.begin(ctx, input)
	if err != nil || begun.State != underWay {
		return FleetResult{Fleet: f.id, Batch: begun.Batch, State: begun.State, Active: begun.Active, Outcome: begun.Outcome}, err
	}
	f.order(ctx, begun.Deadline)
	return f.judge(ctx)
}

const underWay = "under way"

// begin writes the fleet's row, or finds how it stands. A cancellation comes too
// late for it: the row may be there, and somebody has to end it.
func (f *fleet) begin(ctx workflow.Context, input converter.RawValue) (metal.FleetStatus, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := f.enter(ctx, StepRecord, string(f.id)); err != nil {
		return metal.FleetStatus{}, err
	}
	begun, err := call(ctx, f.run, database, ControlQueue, "record fleet "+string(f.id),
		fleets.BeginFleet, activities.BeginFleetInput{Fleet: f.id, Input: input.Payload().GetData()})
	f.wish, f.batch, f.plan = begun.Wish, begun.Status.Batch, begun.Wish.Device.Plan
	return begun.Status, err
}

// order sees to it that every device has its run, so many at a time, until all
// have ended, the deadline has passed, or the fleet is cancelled. Then the runs
// under way are told to end, and it waits for them.
func (f *fleet) order(ctx workflow.Context, deadline time.Time) {
	_ = f.enter(ctx, StepFleet, string(f.id), ProjectAttr.ValueSet(string(f.wish.Device.Project)),
		PlanAttr.ValueSet(string(f.wish.Device.Plan)), BatchAttr.ValueSet(f.batch))
	f.start = f.provision
	over := f.drive(ctx, deadline, func(ctx workflow.Context, from, to int) ([]int, error) {
		part, err := call(ctx, f.run, database, ControlQueue, fmt.Sprintf("order devices %d to %d of fleet %s", from+1, to, f.id),
			fleets.OrderFleet, activities.FleetPart{Fleet: f.id, From: from, To: to})
		var due []int
		for n := from; n < to && err == nil; n++ {
			if slices.Contains(part.Ended, n) {
				f.ended++
			} else {
				due = append(due, n)
			}
		}
		return due, err
	})
	if over && f.refused == nil {
		f.refused = failure(NotEnough, "its time was over at %s", deadline.UTC().Format(time.RFC3339))
	}
}

// provision is the run that makes the n-th machine the tenant's.
func (f *fleet) provision(n int) (any, RunInput) {
	of := metal.Fleet{ID: f.id, Wish: f.wish}
	return Provision, RunInput{Device: of.Device(n), Order: of.OrderID(n), Site: of.Site(n)}
}

// judge counts what became of all. Enough is enough; else everything is given
// back.
func (f *fleet) judge(ctx workflow.Context) (FleetResult, error) {
	cancelled := ctx.Err()
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	counted, err := call(ctx, f.run, settling, ControlQueue, "count the devices of fleet "+string(f.id),
		fleets.FleetStatus, activities.FleetStatusInput{Fleet: f.id})
	if err != nil {
		return FleetResult{}, err
	}
	active := counted.Status.Active
	if cancelled == nil && active >= f.wish.Enough {
		return f.end(ctx, "done", active, fmt.Sprintf("%d of %d devices are active", active, f.wish.Quantity)), nil
	}
	why := fmt.Sprintf("%d of %d devices became active, and %d are enough", active, f.wish.Quantity, f.wish.Enough)
	if cancelled != nil {
		why = fmt.Sprintf("cancelled, with %d of %d devices active", active, f.wish.Quantity)
	}
	if f.refused != nil {
		why += "; " + sentence(f.refused)
	}
	outcome := why + "; all were given back"
	if left := f.giveBack(ctx); left != "" {
		outcome = why + "; not all could be given back: " + left
	}
	f.end(ctx, "failed", 0, outcome)
	if cancelled != nil {
		return FleetResult{}, cancelled
	}
	return FleetResult{}, failure(NotEnough, "fleet %s: %s", f.id, outcome)
}

func (f *fleet) end(ctx workflow.Context, state string, active int, outcome string) FleetResult {
	_, err := call(ctx, f.run, settling, ControlQueue, "fleet "+string(f.id)+" is "+state,
		fleets.EndFleet, activities.EndFleetInput{Fleet: f.id, State: state, Outcome: outcome})
	if err != nil {
		workflow.GetLogger(ctx).Warn("the fleet's outcome was not written; reconcile starts it again", "fleet", f.id, "error", err)
	}
	return FleetResult{Fleet: f.id, Batch: f.batch, State: state, Active: active, Outcome: outcome}
}

// giveBack takes every device of the fleet apart, and says what is left.
func (f *fleet) giveBack(ctx workflow.Context) string {
	_ = f.enter(ctx, StepGiveBack, string(f.id))
	f.next, f.ended, f.failed, f.refused = 0, 0, 0, nil
	f.start = func(n int) (any, RunInput) {
		_, in := f.provision(n)
		in.Order = metal.Fleet{ID: f.id}.ReturnID(n)
		return Deprovision, in
	}
	f.drive(ctx, workflow.Now(ctx).Add(busyLimit), func(ctx workflow.Context, from, to int) ([]int, error) {
		part, err := call(ctx, f.run, settling, ControlQueue, fmt.Sprintf("give devices %d to %d of fleet %s back", from+1, to, f.id),
			fleets.ReturnFleet, activities.FleetPart{Fleet: f.id, From: from, To: to})
		f.kept = append(f.kept, part.Kept...)
		f.ended += (to - from) - len(part.Back)
		return part.Back, err
	})
	counted, err := call(ctx, f.run, settling, ControlQueue, "count what is left of fleet "+string(f.id),
		fleets.FleetStatus, activities.FleetStatusInput{Fleet: f.id})
	switch {
	case err != nil:
		f.kept = append(f.kept, sentence(err))
	case counted.Status.Left > len(f.kept):
		f.kept = append(f.kept, fmt.Sprintf("%d devices still hold something", counted.Status.Left-len(f.kept)))
	}
	if f.refused != nil { // nothing more was ordered back from there on
		f.kept = append([]string{sentence(f.refused)}, f.kept...)
	}
	if len(f.kept) > 3 {
		f.kept = append(f.kept[:3], fmt.Sprintf("and %d more", len(f.kept)-3))
	}
	return strings.Join(f.kept, "; ")
}

// busy reports whether an error says that another run has the device.
func busy(err error) bool { return temporal.IsWorkflowExecutionAlreadyStartedError(err) }
