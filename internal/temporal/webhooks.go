package temporal

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"millwright/internal/metal"
	"millwright/workflows"
)

// WakeWebhook starts the run that delivers to an endpoint, or tells the one
// that is open that something new may be due. Safe to repeat.
func (r Runs) WakeWebhook(ctx context.Context, webhook metal.WebhookID) error {
	id := workflows.WebhookRun(webhook)
	options := client.StartWorkflowOptions{ID: id, TaskQueue: workflows.ControlQueue}
	_, err := r.Client.SignalWithStartWorkflow(ctx, id, workflows.DueSignal, nil, options, workflows.Webhook, workflows.WebhookInput{Webhook: webhook})
	if err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	return nil
}
