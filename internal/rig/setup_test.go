package rig_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"
)

// patient are limits for machines that share two cores with everything else.
var patient = metal.Limits{Boot: time.Minute, Install: time.Minute, PhoneHome: time.Minute}

// start runs a rig for one test. Rigs take turns: on two cores one at a time is
// faster than two at once, and none waits for the other in vain.
func start(t *testing.T, cfg rig.Config) *rig.Rig {
	t.Helper()
	cfg.NoFsync = true
	turn.Lock()
	t.Cleanup(turn.Unlock)
	r, err := rig.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Stop()) })
	return r
}

var turn sync.Mutex

// done orders something and requires that it is done.
func done(t *testing.T, r *rig.Rig, id string, in metal.OrderInput) metal.OrderStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	status, err := r.Do(ctx, metal.OrderID(id), in)
	require.NoError(t, err)
	require.Equal(t, "done", status.State, "%s: %s", id, status.Outcome)
	return status
}

// all orders many things at once and returns how each ended.
func all(t *testing.T, r *rig.Rig, orders map[metal.OrderID]metal.OrderInput) map[metal.OrderID]metal.OrderStatus {
	t.Helper()
	for id, in := range orders {
		require.Eventually(t, func() bool { return r.Order(t.Context(), id, in) == nil }, time.Minute, 100*time.Millisecond, "start order %s", id)
	}
	return await(t, r, orders)
}

func await(t *testing.T, r *rig.Rig, orders map[metal.OrderID]metal.OrderInput) map[metal.OrderID]metal.OrderStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	ended := map[metal.OrderID]metal.OrderStatus{}
	for id := range orders {
		status, err := r.Await(ctx, id)
		require.NoError(t, err)
		ended[id] = status
	}
	return ended
}

// provisions are n orders for devices.
func provisions(n int) map[metal.OrderID]metal.OrderInput {
	orders := map[metal.OrderID]metal.OrderInput{}
	for i := range n {
		orders[metal.OrderID(fmt.Sprintf("p%d", i))] = rig.Provision()
	}
	return orders
}

// gone are the orders that take apart what others provisioned.
func gone(provisioned map[metal.OrderID]metal.OrderStatus) map[metal.OrderID]metal.OrderInput {
	orders := map[metal.OrderID]metal.OrderInput{}
	for id, status := range provisioned {
		orders[id+"-gone"] = metal.OrderInput{Action: metal.ActionDeprovision, Device: status.Device}
	}
	return orders
}

// clean requires that nothing is left of anybody.
func clean(t *testing.T, r *rig.Rig) {
	t.Helper()
	leaks, err := r.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
	for _, m := range machines(t, r) {
		require.Equal(t, "idle", m.State, "machine %s: %s", m.ID, m.Reason)
	}
}

// allDone requires that every order was done.
func allDone(t *testing.T, ended map[metal.OrderID]metal.OrderStatus) {
	t.Helper()
	for id, status := range ended {
		require.Equal(t, "done", status.State, "%s: %s", id, status.Outcome)
	}
}

func span(t *testing.T, text string) (s lab.Span) {
	t.Helper()
	require.NoError(t, s.UnmarshalText([]byte(text)))
	return s
}

func startOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: workflows.ControlQueue}
}

func fault(target, name string, times int) lab.Fault {
	return lab.Fault{Target: target, Name: name, Times: times}
}

func itoa(n int) string { return strconv.Itoa(n) }

func decoded(t *testing.T, data string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(data)
	require.NoError(t, err)
	return string(raw)
}
