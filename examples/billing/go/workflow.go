package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// orderByWorkflow starts an Order under an ID of the billing system's own: a
// contract's, an invoice line's. The same ID again finds the first outcome, so
// whoever does not know whether it ordered orders again.
func orderByWorkflow(ctx context.Context, id, file string) error {
	input, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	c, err := client.Dial(client.Options{
		HostPort:  either("TEMPORAL_ADDRESS", "127.0.0.1:7233"),
		Namespace: either("TEMPORAL_NAMESPACE", "default"),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	// No timeouts: one would close the run without any cleanup.
	order, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: "order/" + id, TaskQueue: "control",
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, "Order", json.RawMessage(input))
	if err != nil {
		return err
	}
	var begun struct{ Device, Run, State, Outcome string }
	if err := order.Get(ctx, &begun); err != nil {
		return fmt.Errorf("order %s: %w", id, err) // InvalidOrder names the field
	}
	if begun.State == "started" { // the device's own run is under way
		if err := c.GetWorkflow(ctx, begun.Run, "").Get(ctx, nil); err != nil {
			return fmt.Errorf("device %s: %w", begun.Device, err)
		}
	}
	fmt.Println(begun.Device)
	return nil
}
