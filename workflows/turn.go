package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
)

// awaitTurn waits until the run is told that a machine is there, or its order's
// time is over. Whatever ends the wait, the database decides again.
func (p *provision) awaitTurn(ctx workflow.Context, turn metal.Turn) (over bool, err error) {
	if p.status.Step != StepLine {
		if err := p.enter(ctx, StepLine, string(p.in.Device)); err != nil {
			return false, err
		}
	}
	p.status.Turn, p.status.Awaits = &turn, "a machine: "+turn.String()
	p.status.Deadline, p.status.Next = turn.Until, "the order fails"
	workflow.SetCurrentDetails(ctx, "**"+StepLine+"**: waits for "+p.status.Awaits+", until "+turn.Until.UTC().Format(time.RFC3339))
	defer func() { p.status.Turn, p.status.Awaits, p.status.Next, p.status.Deadline = nil, "", "", time.Time{} }()

	timed, stop := workflow.WithCancel(ctx)
	defer stop()
	timer := workflow.NewTimerWithOptions(timed, max(turn.Until.Sub(workflow.Now(ctx)), time.Second), workflow.TimerOptions{Summary: "until its turn, else the order fails"})
	selector := workflow.NewSelector(ctx)
	selector.AddFuture(timer, func(workflow.Future) { over = true })
	selector.AddReceive(workflow.GetSignalChannel(ctx, TurnSignal), func(c workflow.ReceiveChannel, _ bool) {
		for c.ReceiveAsync(nil) { // told twice is told once
		}
	})
	selector.Select(ctx)
	return over, ctx.Err()
}
