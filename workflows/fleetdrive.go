package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// drive writes the orders of all devices, part by part, and runs each, so many
// at a time, until all have ended. After the deadline, or a cancellation, or
// once an order is refused, it starts no more; in the first two cases it tells
// the runs under way to end. Then it waits for what is under way. It reports
// whether the deadline has passed first.
func (f *fleet) drive(ctx workflow.Context, deadline time.Time, write func(workflow.Context, int, int) ([]int, error)) (over bool) {
	outer := ctx
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	f.runs, f.stop = workflow.WithCancel(ctx)
	defer f.stop()
	f.open, f.others, f.ending = map[int]metal.DeviceID{}, map[int]metal.DeviceID{}, workflow.NewSelector(ctx)
	timed, done := workflow.WithCancel(outer) // a cancellation ends this wait, too
	defer done()
	told := false
	f.ending.AddFuture(workflow.NewTimerWithOptions(timed, max(deadline.Sub(workflow.Now(ctx)), 0), workflow.TimerOptions{Summary: "until the fleet's time is over"}),
		func(workflow.Future) { over = outer.Err() == nil })
	looking := false
	for {
		f.show(ctx, deadline)
		if (over || outer.Err() != nil) && !told {
			told = true
			f.tellAll(ctx)
		}
		if !told && f.refused == nil && f.next < f.wish.Quantity && f.room() {
			f.startPart(ctx, write)
			continue
		}
		if len(f.open)+len(f.others) == 0 {
			return over
		}
		if len(f.others) > 0 && !looking {
			looking = true
			f.ending.AddFuture(workflow.NewTimerWithOptions(ctx, fleetLook, workflow.TimerOptions{Summary: "until devices that other runs see to are looked at"}),
				func(workflow.Future) { looking = false; f.lookAtOthers(ctx) })
		}
		f.ending.Select(ctx)
	}
}

// part is how many orders are written next: few where few may be under way, so
// that one slow run holds up little.
func (f *fleet) part() int { return min(fleetPart, max(1, f.wish.AtOnce/4), f.wish.Quantity-f.next) }

// room is there for a whole part.
func (f *fleet) room() bool { return len(f.open)+len(f.others)+f.part() <= f.wish.AtOnce }

// startPart writes some orders and starts their runs.
func (f *fleet) startPart(ctx workflow.Context, write func(workflow.Context, int, int) ([]int, error)) {
	from, to := f.next, f.next+f.part()
	due, err := write(ctx, from, to)
	if err != nil {
		f.refused = err
		return
	}
	f.next = to
	for _, n := range due {
		f.startOne(n)
	}
}

func (f *fleet) startOne(n int) {
	run, in := f.start(n)
	d := f.wish.Device
	summary := fmt.Sprintf("device %d of %d of fleet %s", n+1, f.wish.Quantity, f.id)
	ctx := childOf(f.runs, DeviceRun(in.Device), summary, withBatch(deviceAttributes(in.Device, d.Project, in.Site, d.Plan), f.batch))
	options := workflow.GetChildWorkflowOptions(ctx)
	options.WaitForCancellation = true
	ctx = workflow.WithChildOptions(ctx, options)
	f.open[n] = in.Device
	f.ending.AddFuture(workflow.ExecuteChildWorkflow(ctx, run, in), func(ended workflow.Future) {
		delete(f.open, n)
		switch err := ended.Get(ctx, nil); {
		case busy(err):
			f.others[n] = in.Device
		case err != nil:
			f.failed++
			f.ended++
		default:
			f.ended++
		}
	})
}

// tellAll asks every run under way to end.
func (f *fleet) tellAll(ctx workflow.Context) {
	f.stop()
	for _, n := range workflow.DeterministicKeys(f.others) {
		// One that has ended meanwhile needs no telling.
		_ = workflow.RequestCancelExternalWorkflow(ctx, DeviceRun(f.others[n]), "").Get(ctx, nil)
	}
}

// lookAtOthers asks the database which of the devices that other runs see to
// have their outcome.
func (f *fleet) lookAtOthers(ctx workflow.Context) {
	of := workflow.DeterministicKeys(f.others)
	counted, err := call(ctx, f.run, settling, ControlQueue, "see what other runs have done for fleet "+string(f.id),
		fleets.FleetStatus, activities.FleetStatusInput{Fleet: f.id, Of: of})
	if err != nil {
		return // it looks again
	}
	for _, n := range of {
		if !slices.Contains(counted.Open, n) {
			delete(f.others, n)
			f.ended++
		}
	}
}

// show says how far it is.
func (f *fleet) show(ctx workflow.Context, deadline time.Time) {
	count := FleetCount{Quantity: f.wish.Quantity, Enough: f.wish.Enough, Ordered: f.next, Open: len(f.open) + len(f.others), Ended: f.ended, Failed: f.failed}
	f.status.Fleet, f.status.Deadline = &count, deadline
	f.status.Awaits, f.status.Next = fmt.Sprintf("the end of %d runs", count.Open), "the runs under way are told to end, and with too few devices all are given back"
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s**: %d of %d ordered, %d under way, %d ended, %d of them failed; until %s",
		f.status.Step, count.Ordered, count.Quantity, count.Open, count.Ended, count.Failed, deadline.UTC().Format(time.RFC3339)))
}
