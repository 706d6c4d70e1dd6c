package temporal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/temporal"
	"millwright/workflows"
)

// building runs a worker of one build, with workflows as register says.
func building(t *testing.T, c client.Client, build string, register func(worker.Worker)) worker.Worker {
	t.Helper()
	w := worker.New(c, workflows.ControlQueue, worker.Options{
		WorkerStopTimeout: time.Second,
		DeploymentOptions: worker.DeploymentOptions{
			UseVersioning: true, Version: worker.WorkerDeploymentVersion{DeploymentName: workflows.Deployment, BuildID: build},
			DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
		},
	})
	register(w)
	require.NoError(t, w.Start())
	return w
}

func current(t *testing.T, runs temporal.Runs, build string) {
	t.Helper()
	var err error
	require.Eventually(t, func() bool { err = runs.MakeCurrent(t.Context(), build); return err == nil }, patience, 50*time.Millisecond, "%v", err)
}

// begin starts a run, and waits until it waits.
func begin(t *testing.T, c client.Client, id string, kind any, in ...any) {
	t.Helper()
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: workflows.ControlQueue}, kind, in...)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		described, err := c.DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil && described.WorkflowExecutionInfo.HistoryLength >= 4
	}, patience, 10*time.Millisecond)
}

// buildOf is where a run's next task goes.
func buildOf(t *testing.T, c client.Client, id string) string {
	t.Helper()
	described, err := c.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	return described.WorkflowExecutionInfo.GetVersioningInfo().GetDeploymentVersion().GetBuildId()
}

// earlier is a Power of another release: it waits for a word that no release of
// ours knows.
func earlier(ctx workflow.Context, _ workflows.RunInput) error {
	workflow.GetSignalChannel(ctx, "word").Receive(ctx, nil)
	return workflow.Sleep(ctx, time.Hour)
}

// A run that waits for its webhook's activities shows both: a lasting one goes
// on with the current build, a pinned one stays.
func TestWhatLastsGoesOnWithTheCurrentBuildAndWhatIsPinnedStays(t *testing.T) {
	t.Parallel()
	cfg := server(t, "builds")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	runs := temporal.Runs{Client: c}
	none, err := runs.Builds(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
	require.ErrorIs(t, runs.MakeCurrent(t.Context(), "1"), temporal.ErrUnknownBuild)

	due := func(w worker.Worker) {
		workflows.Register(w)
		w.RegisterActivityWithOptions(func(context.Context) error { return errors.New("not now") }, activity.RegisterOptions{Name: "NextDelivery"})
	}
	first := building(t, c, "1", due)
	t.Cleanup(first.Stop)
	current(t, runs, "1")
	begin(t, c, "webhook/w", workflows.Webhook, workflows.WebhookInput{Webhook: "w"})
	begin(t, c, "device/d", workflows.Power, workflows.RunInput{Device: "d"})
	require.Equal(t, "1", buildOf(t, c, "webhook/w"))

	second := building(t, c, "2", due)
	t.Cleanup(second.Stop)
	current(t, runs, "2")
	for _, id := range []string{"webhook/w", "device/d"} { // a task for each
		_, err := runs.RetryNow(t.Context(), id)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return buildOf(t, c, "webhook/w") == "2" }, patience, 20*time.Millisecond)
	require.Equal(t, "1", buildOf(t, c, "device/d"))

	require.Eventually(t, func() bool {
		builds, err := runs.Builds(t.Context())
		return err == nil && len(builds) == 2 && builds[0].ID == "2" && builds[0].State == temporal.Current && builds[1].State == temporal.Draining && builds[1].Open == 1
	}, patience, 50*time.Millisecond)
	open, err := runs.OpenOn(t.Context(), "1")
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, "device/d", open[0].ID)
	require.Equal(t, "Power", open[0].Type)

	first.Stop() // for good
	require.NoError(t, runs.CanMove(t.Context(), open[0]))
	require.NoError(t, runs.Move(t.Context(), open[0], "2"))
	_, err = runs.RetryNow(t.Context(), "device/d")
	require.NoError(t, err, "nobody works on it")
	require.Equal(t, "2", buildOf(t, c, "device/d"))
}

// A run that did what this release's code would not do stands still on it: its
// history tells that before anybody moves it.
func TestARunOfOtherCodeIsNotMoved(t *testing.T) {
	t.Parallel()
	cfg := server(t, "moves")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	runs := temporal.Runs{Client: c}
	w := building(t, c, "1", func(w worker.Worker) { w.RegisterWorkflowWithOptions(earlier, workflow.RegisterOptions{Name: "Power"}) })
	t.Cleanup(w.Stop)
	current(t, runs, "1")
	begin(t, c, "device/d", "Power", workflows.RunInput{Device: "d"})
	require.NoError(t, c.SignalWorkflow(t.Context(), "device/d", "", "word", nil))
	run := temporal.BuildRun{Execution: temporal.Execution{ID: "device/d"}, Type: "Power"}
	require.Eventually(t, func() bool { return errors.Is(runs.CanMove(t.Context(), run), temporal.ErrOtherCode) }, patience, 50*time.Millisecond)
}
