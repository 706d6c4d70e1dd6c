package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// WebhookInput names an endpoint.
type WebhookInput struct {
	Webhook metal.WebhookID `json:"webhook"`
}

// pauses come after each attempt that failed: eleven attempts over a little
// more than three days. The first ones outlive a deploy, the last ones a weekend.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// longHistory is how many attempts one run makes before it goes on in a new
// history; each is a dozen events or so.
const longHistory = 500

// Webhook delivers what is due to one endpoint, in order, one message at a time.
// One that fails is tried again after a pause, and the ones behind it go ahead
// meanwhile. The run ends when nothing is due. Every endpoint has a run of its
// own, so that one that hangs keeps nobody else waiting.
func Webhook(ctx workflow.Context, in WebhookInput) (err error) {
	r, err := newRun(ctx)
	if err != nil {
		return err
	}
	defer func() { r.finish(ctx, err) }()
	due := workflow.GetSignalChannel(ctx, DueSignal)
	for attempts := 0; attempts < longHistory; attempts++ {
		heard(due)
		next, err := call(ctx, r, database, ControlQueue, "what is due to "+string(in.Webhook),
			webhooks.NextDelivery, activities.NextDeliveryInput{Webhook: in.Webhook})
		if err != nil {
			return err
		}
		if next.Delivery == "" {
			if heard(due) { // while it looked: something may be new
				continue
			}
			return nil
		}
		if wait := next.Next.Sub(workflow.Now(ctx)); wait > 0 {
			if err := r.awaitDue(ctx, due, wait, next); err != nil {
				return err
			}
			continue
		}
		if err := r.deliver(ctx, next); err != nil {
			return err
		}
	}
	heard(due)
	return workflow.NewContinueAsNewError(ctx, Webhook, in)
}

// heard takes all signals that have come, and tells whether any had.
func heard(due workflow.ReceiveChannel) (any bool) {
	for due.ReceiveAsync(nil) {
		any = true
	}
	return any
}

// awaitDue waits for the moment of the next attempt, or for something new.
func (r *run) awaitDue(ctx workflow.Context, due workflow.ReceiveChannel, wait time.Duration, next metal.DueDelivery) error {
	if err := r.enter(ctx, StepPause, string(next.Delivery)); err != nil {
		return err
	}
	timed, stop := workflow.WithCancel(ctx)
	defer stop()
	selector := workflow.NewSelector(ctx)
	selector.AddFuture(workflow.NewTimerWithOptions(timed, wait, workflow.TimerOptions{Summary: "next attempt of " + string(next.Delivery)}), func(workflow.Future) {})
	selector.AddReceive(due, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) })
	selector.Select(ctx)
	return ctx.Err()
}

func (r *run) deliver(ctx workflow.Context, next metal.DueDelivery) error {
	if err := r.enter(ctx, StepDeliver, string(next.Delivery)); err != nil {
		return err
	}
	in := activities.DeliverInput{Delivery: next.Delivery, Attempt: next.Attempts + 1, At: workflow.Now(ctx)}
	if next.Attempts < len(pauses) {
		in.Pause = pauses[next.Attempts]
	}
	_, err := call(ctx, r, posting, WebhookQueue, "deliver "+string(next.Delivery), webhooks.Deliver, in)
	return err
}

// wakeWebhooks starts the runs of endpoints with something due that nobody sees
// to: a worker was away when it came, or a run was lost.
func (r *run) wakeWebhooks(ctx workflow.Context) (started int, err error) {
	if workflow.GetVersion(ctx, webhooksChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return 0, nil
	}
	found, err := call(ctx, r, reading, ControlQueue, "find webhooks that nobody sees to",
		webhooks.FindDueWebhooks, activities.FindDueWebhooksInput{WebhookRun: webhookPrefix})
	for _, id := range found.Webhooks {
		child := childOf(ctx, WebhookRun(id), "something is due, and nobody sees to it", temporal.SearchAttributes{})
		if fresh, err := begun(ctx, workflow.ExecuteChildWorkflow(child, Webhook, WebhookInput{Webhook: id})); err != nil {
			return started, err
		} else if fresh {
			started++
		}
	}
	return started, err
}
