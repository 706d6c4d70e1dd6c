// Command run measures what one provision costs: time from order to active
// with machines that boot in no time, and the history that it leaves. Its last
// line is one JSON object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"
)

// rounds are enough for a median; p95 is then the second slowest.
const rounds = 20

// result is the last line. Limits: order_to_active_p50_s 2, history_events 120,
// history_bytes 32768.
type result struct {
	P50        float64 `json:"order_to_active_p50_s"`
	P95        float64 `json:"order_to_active_p95_s"`
	Events     int64   `json:"history_events"` // of the Provision, undisturbed
	Bytes      int64   `json:"history_bytes"`
	Activities int     `json:"activities"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench/run:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) (err error) {
	r, err := rig.Start(ctx, rig.Config{})
	if err != nil {
		return err
	}
	defer r.Stop()
	var seconds []float64
	var cost result
	for i := range rounds {
		took, device, err := once(ctx, r, i)
		if err != nil {
			return err
		}
		fmt.Printf("provision %2d: %.3f s from order to active\n", i+1, took)
		seconds = append(seconds, took)
		if cost, err = history(ctx, r, device); err != nil {
			return err
		}
		if err := deprovision(ctx, r, i, device); err != nil {
			return err
		}
	}
	slices.Sort(seconds)
	cost.P50, cost.P95 = seconds[rounds/2], seconds[rounds*95/100-1]
	fmt.Printf("limits: p50 2 s, 120 events, 32768 bytes\n")
	return json.NewEncoder(os.Stdout).Encode(cost)
}

// once provisions a device and takes the time by the clock of the database's
// host, which is ours.
func once(ctx context.Context, r *rig.Rig, i int) (float64, metal.DeviceID, error) {
	id := metal.OrderID(fmt.Sprintf("bench-%d", i))
	began := time.Now()
	status, err := r.Do(ctx, id, rig.Provision())
	if err != nil {
		return 0, "", err
	}
	if status.State != "done" {
		return 0, "", fmt.Errorf("order %s: %s", id, status.Outcome)
	}
	order, err := r.Store.Queries().GetOrder(ctx, string(id))
	if err != nil {
		return 0, "", err
	}
	return order.EndedAt.Sub(began).Seconds(), status.Device, nil
}

// history counts what the run left, once it is closed.
func history(ctx context.Context, r *rig.Rig, device metal.DeviceID) (result, error) {
	run := workflows.DeviceRun(device)
	if err := r.Client.GetWorkflow(ctx, run, "").Get(ctx, nil); err != nil {
		return result{}, err
	}
	described, err := r.Client.DescribeWorkflowExecution(ctx, run, "")
	if err != nil {
		return result{}, err
	}
	cost := result{
		Events: described.WorkflowExecutionInfo.HistoryLength,
		Bytes:  described.WorkflowExecutionInfo.HistorySizeBytes,
	}
	events := r.Client.GetWorkflowHistory(ctx, run, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return cost, err
		}
		if event.EventType == enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			cost.Activities++
		}
	}
	return cost, nil
}

func deprovision(ctx context.Context, r *rig.Rig, i int, device metal.DeviceID) error {
	status, err := r.Do(ctx, metal.OrderID(fmt.Sprintf("bench-%d-gone", i)),
		metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	if err == nil && status.State != "done" {
		err = fmt.Errorf("deprovision %s: %s", device, status.Outcome)
	}
	return err
}
