package temporal_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"millwright/activities"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// Whoever writes that an address moves may do so while the ports of the one
// before are being read: nothing that was told is lost, and one run does it all.
func TestARunThatBringsADeviceIsToldOfMoreWhileItIsOpen(t *testing.T) {
	t.Parallel()
	cfg := server(t, "bring")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	runs := temporal.Runs{Client: c}
	var reads atomic.Int32
	reading, goOn := make(chan struct{}), make(chan struct{})
	w := worker.New(c, workflows.ControlQueue, worker.Options{WorkerStopTimeout: time.Second})
	w.RegisterWorkflow(workflows.BringDevice)
	w.RegisterActivityWithOptions(func(ctx context.Context, in activities.ReadPortsInput) (activities.ReadPortsResult, error) {
		if reads.Add(1) == 1 {
			close(reading)
			select {
			case <-goOn:
			case <-ctx.Done():
			}
		}
		return activities.ReadPortsResult{}, nil // its machine is parked
	}, activity.RegisterOptions{Name: "ReadPorts"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	require.NoError(t, runs.BringDevice(t.Context(), "d-1"))
	select {
	case <-reading:
	case <-time.After(patience):
		t.Fatal("nobody read the device's ports")
	}
	first, err := c.DescribeWorkflowExecution(t.Context(), "ports/d-1", "")
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, runs.BringDevice(t.Context(), "d-1"))
	}
	close(goOn)
	require.NoError(t, c.GetWorkflow(t.Context(), "ports/d-1", "").Get(t.Context(), nil))
	require.EqualValues(t, 2, reads.Load())
	last, err := c.DescribeWorkflowExecution(t.Context(), "ports/d-1", "")
	require.NoError(t, err)
	require.Equal(t, first.WorkflowExecutionInfo.Execution.RunId, last.WorkflowExecutionInfo.Execution.RunId)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, last.WorkflowExecutionInfo.Status)
	require.NoError(t, runs.BringDevice(t.Context(), "d-1"), "and anew, once it is over")
}
