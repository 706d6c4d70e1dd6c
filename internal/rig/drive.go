package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"millwright/internal/lab/machine"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// connect opens what tests and benchmarks look through.
func (r *Rig) connect(ctx context.Context) (err error) {
	if r.Store, err = postgres.Open(ctx, r.Stack.DSN); err != nil {
		return err
	}
	r.Client, err = temporal.Dial(ctx, temporal.Config{Address: r.Stack.Frontend, Namespace: "default", Name: "rig", Log: silent})
	return err
}

// Provision is the input of an order for one device.
func Provision() metal.OrderInput {
	return metal.OrderInput{Action: metal.ActionProvision, Project: "acme", Site: Site, Plan: "c1.small", OperatingSystem: "debian_12"}
}

// Order starts an Order, as anybody may.
func (r *Rig) Order(ctx context.Context, id metal.OrderID, in metal.OrderInput) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return temporal.Runs{Client: r.Client}.StartOrder(ctx, id, raw)
}

// Await waits until an order has its outcome.
func (r *Rig) Await(ctx context.Context, id metal.OrderID) (metal.OrderStatus, error) {
	for {
		status, err := r.Store.Order(ctx, id)
		if err == nil && (status.State == "done" || status.State == "failed") {
			return status, nil
		}
		select {
		case <-ctx.Done():
			return status, fmt.Errorf("await order %s (%s): %w\n%s", id, status.State, ctx.Err(), r.explain(id, status.Device))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// explain says how the runs of an order stand, and what their activities said
// last.
func (r *Rig) explain(order metal.OrderID, device metal.DeviceID) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var words strings.Builder
	for _, run := range []string{workflows.OrderRun(order), workflows.DeviceRun(device)} {
		described, err := r.Client.DescribeWorkflowExecution(ctx, run, "")
		if err != nil {
			fmt.Fprintf(&words, "%s: %v\n", run, err)
			continue
		}
		info := described.WorkflowExecutionInfo
		fmt.Fprintf(&words, "%s: %s %s, %d events\n", run, info.Type.Name, info.Status, info.HistoryLength)
		for _, a := range described.PendingActivities {
			fmt.Fprintf(&words, "  %s attempt %d %s: %s\n", a.ActivityType.Name, a.Attempt, a.State, a.LastFailure.GetMessage())
		}
		if task := described.PendingWorkflowTask; task != nil {
			fmt.Fprintf(&words, "  workflow task, attempt %d, %s\n", task.Attempt, task.State)
		}
	}
	return words.String()
}

// Do orders something and waits for its outcome.
func (r *Rig) Do(ctx context.Context, id metal.OrderID, in metal.OrderInput) (metal.OrderStatus, error) {
	if err := r.Order(ctx, id, in); err != nil {
		return metal.OrderStatus{}, fmt.Errorf("start order %s: %w", id, err)
	}
	return r.Await(ctx, id)
}

// Addresses are what a device holds.
func (r *Rig) Addresses(ctx context.Context, device metal.DeviceID) ([]string, error) {
	leases, err := r.Store.Queries().LeasesOfDevice(ctx, string(device))
	var all []string
	for _, l := range leases {
		all = append(all, l.Prefix.String())
	}
	return all, err
}

// Leaks lists what is left without a living device or run behind it: in the
// database, on the switches, and on the disks of the pool.
func (r *Rig) Leaks(ctx context.Context) ([]string, error) {
	var leaks []string
	rows, err := r.Store.Leaks(ctx)
	for _, l := range rows {
		leaks = append(leaks, l.Kind+": "+l.What)
	}
	if err != nil {
		return nil, err
	}
	machines, err := r.Store.Queries().ListMachines(ctx)
	if err != nil {
		return nil, err
	}
	tenanted, pooled := map[metal.Port]bool{}, map[metal.MachineID]bool{}
	for _, m := range machines {
		tenanted[metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port}] = m.Device != ""
		pooled[metal.MachineID(m.ID)] = m.State == string(metal.Idle)
	}
	for _, sw := range r.Lab.Switches() {
		for name, port := range sw.Ports {
			at := metal.Port{Switch: sw.ID, Name: name}
			if len(port.Addresses) > 1 && !tenanted[at] {
				leaks = append(leaks, fmt.Sprintf("port config: %s routes %v for nobody", at, port.Addresses))
			}
		}
	}
	for _, m := range r.Lab.Machines() {
		written := slices.ContainsFunc(m.Disks, func(d machine.DiskState) bool { return !d.Empty })
		if written && pooled[m.ID] {
			leaks = append(leaks, fmt.Sprintf("data: machine %s is in the pool with a written disk", m.ID))
		}
	}
	return leaks, nil
}

func startRun(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: workflows.ControlQueue}
}
