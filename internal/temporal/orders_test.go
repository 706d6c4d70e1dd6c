package temporal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"millwright/internal/metal"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// patience is how long a test waits for what a healthy server does at once.
const patience = 30 * time.Second

// hourly are schedules that start nothing while a test lasts.
var hourly = temporal.Every{Reconcile: time.Hour, Switches: time.Hour, Patrol: time.Hour}

// workflowsOnly runs runs whose activities nobody does: each stands at its
// first step.
func workflowsOnly(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, workflows.ControlQueue, worker.Options{LocalActivityWorkerOnly: true, WorkerStopTimeout: time.Second})
	for _, kind := range workflows.All() {
		w.RegisterWorkflow(kind)
	}
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

func TestAnOrderIsStartedOnceAndCanBeAskedHurriedAndCancelled(t *testing.T) {
	t.Parallel()
	cfg := server(t, "orders")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	runs := temporal.Runs{Client: c}
	workflowsOnly(t, c)
	const input = `{"action":"reboot","device":"d"}`
	run := workflows.OrderRun("o-1")
	for range 2 {
		require.NoError(t, runs.StartOrder(t.Context(), "o-1", []byte(input)))
	}
	history := c.GetWorkflowHistory(t.Context(), run, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	require.NoError(t, err)
	started := first.GetWorkflowExecutionStartedEventAttributes()
	require.Equal(t, "Order", started.WorkflowType.Name)
	require.JSONEq(t, input, string(started.Input.Payloads[0].Data))
	require.Equal(t, "json/plain", string(started.Input.Payloads[0].Metadata["encoding"]))

	require.Eventually(t, func() bool {
		status, err := runs.Status(t.Context(), run)
		return err == nil && status.Step == workflows.StepRecord && status.On == "o-1"
	}, patience, 10*time.Millisecond)
	answer, err := runs.RetryNow(t.Context(), run)
	require.NoError(t, err)
	require.Equal(t, "retrying: record order o-1", answer)
	require.NoError(t, runs.Cancel(t.Context(), run))
	require.Eventually(t, func() bool { // a cancelled order writes its end: it may be recorded by now
		described, err := c.DescribeWorkflowExecution(t.Context(), run, "")
		return err == nil && len(described.PendingActivities) == 1 && described.PendingActivities[0].ActivityType.Name == "AbandonOrder"
	}, patience, 10*time.Millisecond)
	require.NoError(t, c.TerminateWorkflow(t.Context(), run, "", "the test is over"))
	open, err := runs.Open(t.Context(), run)
	require.NoError(t, err)
	require.False(t, open)
}

func TestARunThatIsOverTakesNoOrders(t *testing.T) {
	t.Parallel()
	cfg := server(t, "over")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	runs := temporal.Runs{Client: dial(t, cfg)}
	require.ErrorIs(t, runs.Cancel(t.Context(), "device/never"), metal.ErrRunOver)
	_, err := runs.RetryNow(t.Context(), "device/never")
	require.ErrorIs(t, err, metal.ErrRunOver)
	_, err = runs.Status(t.Context(), "device/never")
	require.ErrorIs(t, err, metal.ErrRunOver)
}
