package stack_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/types/known/durationpb"

	"millwright/internal/stack"
)

// greet waits for a signal and returns what it carried.
func greet(ctx workflow.Context) (string, error) {
	var name string
	workflow.GetSignalChannel(ctx, "name").Receive(ctx, &name)
	err := workflow.Sleep(ctx, time.Second) // a timer, too, must outlive the server
	return "hello " + name, err
}

const namespace, queue = "stack-test", "greetings"

// work registers a namespace and runs a worker in it. A namespace is usable
// a second or two after it was registered: the server caches them.
func work(t *testing.T, s *stack.Stack) client.Client {
	t.Helper()
	names, err := client.NewNamespaceClient(client.Options{HostPort: s.Frontend})
	require.NoError(t, err)
	defer names.Close()
	require.NoError(t, names.Register(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}))
	c, err := client.Dial(client.Options{HostPort: s.Frontend, Namespace: namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, queue, worker.Options{WorkerStopTimeout: time.Second})
	w.RegisterWorkflow(greet)
	require.Eventually(t, func() bool { return w.Start() == nil }, 20*time.Second, 100*time.Millisecond)
	t.Cleanup(w.Stop)
	return c
}

func TestAWorkflowGoesOnThoughTemporalAndPostgresAreKilled(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Config{})
	c := work(t, s)
	var run client.WorkflowRun
	require.Eventually(t, func() (ok bool) {
		var err error
		run, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "greet/1", TaskQueue: queue}, greet)
		return err == nil
	}, 20*time.Second, 100*time.Millisecond)

	s.Temporal.Kill()
	require.NoError(t, s.Temporal.Start(t.Context()))
	require.NoError(t, c.SignalWorkflow(t.Context(), run.GetID(), "", "name", "Temporal"))
	s.Postgres.Kill()
	s.Temporal.Kill()
	require.NoError(t, s.Postgres.Start(t.Context()))
	require.NoError(t, s.Temporal.Start(t.Context()))

	limit, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var greeting string
	require.NoError(t, run.Get(limit, &greeting))
	require.Equal(t, "hello Temporal", greeting)
}
