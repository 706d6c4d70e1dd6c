package temporal_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"millwright/internal/metal"
	"millwright/internal/stack"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// frontend is the shared Temporal of `make test`, or one of this package. Only
// the process' end tells that the last test is over, and the stack ends with it.
var frontend = sync.OnceValues(func() (string, error) {
	if address := os.Getenv("MILLWRIGHT_TEST_TEMPORAL"); address != "" {
		return address, nil
	}
	s, err := stack.Start(context.Background(), stack.Config{NoFsync: true})
	if err != nil {
		return "", err
	}
	return s.Frontend, nil
})

// server is a configuration for the namespace, which a test has for itself.
func server(t *testing.T, namespace string) temporal.Config {
	t.Helper()
	address, err := frontend()
	require.NoError(t, err)
	return temporal.Config{Address: address, Namespace: namespace + "-" + uuid.NewString(), Name: "test"}
}

func dial(t *testing.T, cfg temporal.Config) client.Client {
	t.Helper()
	c, err := temporal.Dial(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// start starts a run that nobody works on, with every attribute on it.
func start(ctx context.Context, c client.Client, id string) error {
	var all []sdk.SearchAttributeUpdate
	for _, key := range workflows.SearchAttributes() {
		all = append(all, key.ValueSet("x"))
	}
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: "nobody", TypedSearchAttributes: sdk.NewSearchAttributes(all...),
	}, "Nothing")
	return err
}

func TestRegistrationByTwoAtOnceAndAgainLeavesTemporalReady(t *testing.T) {
	t.Parallel()
	cfg := server(t, "register")
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			require.NoError(t, temporal.Register(t.Context(), cfg, temporal.Every{Reconcile: 30 * time.Second, Switches: 15 * time.Minute, Patrol: 10 * time.Minute}))
		})
	}
	both.Wait()
	c := dial(t, cfg)
	require.NoError(t, start(t.Context(), c, "device/1"), "a start fails right after registration")
	require.NoError(t, temporal.Register(t.Context(), cfg, temporal.Every{Reconcile: 10 * time.Second, Switches: time.Hour, Patrol: time.Minute}))

	for id, want := range map[string]struct {
		kind  string
		every time.Duration
	}{workflows.ReconcileSchedule: {"Reconcile", 10 * time.Second}, workflows.SwitchesSchedule: {"CheckSwitches", time.Hour}, workflows.PatrolSchedule: {"Patrols", time.Minute}} {
		schedule, err := c.ScheduleClient().GetHandle(t.Context(), id).Describe(t.Context())
		require.NoError(t, err)
		require.Equal(t, want.every, schedule.Schedule.Spec.Intervals[0].Every, "a repeat did not update the schedule")
		require.Equal(t, enums.SCHEDULE_OVERLAP_POLICY_SKIP, schedule.Schedule.Policy.Overlap)
		action := schedule.Schedule.Action.(*client.ScheduleWorkflowAction)
		require.Equal(t, want.kind, action.Workflow)
		require.Equal(t, workflows.ControlQueue, action.TaskQueue)
		require.Equal(t, id, action.ID)
		require.Equal(t, 30*time.Minute, action.WorkflowRunTimeout, "a run whose workers are gone would hold up its schedule for ever")
	}

	described, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: cfg.Namespace})
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, described.Config.WorkflowExecutionRetentionTtl.AsDuration())
	attributes, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: cfg.Namespace})
	require.NoError(t, err)
	for _, key := range workflows.SearchAttributes() {
		require.Equal(t, enums.INDEXED_VALUE_TYPE_KEYWORD, attributes.CustomAttributes[key.GetName()], key.GetName())
	}
	runsAreKnown(t, c)
}

// runsAreKnown checks Runs against the open run device/1.
func runsAreKnown(t *testing.T, c client.Client) {
	runs := temporal.Runs{Client: c}
	require.NoError(t, runs.Signal(t.Context(), "device/1", metal.Report{Boot: 7}))
	open, err := runs.Open(t.Context(), "device/1")
	require.NoError(t, err)
	require.True(t, open)
	require.NoError(t, c.TerminateWorkflow(t.Context(), "device/1", "", "for the test"))
	for _, id := range []string{"device/1", "device/never"} {
		open, err = runs.Open(t.Context(), id)
		require.NoError(t, err)
		require.False(t, open, id)
		require.ErrorIs(t, runs.Signal(t.Context(), id, metal.Report{}), metal.ErrRunOver, id)
	}
}

func TestAMissingNamespaceIsNoAnswerAboutARun(t *testing.T) {
	t.Parallel()
	runs := temporal.Runs{Client: dial(t, server(t, "nobody-registered-this"))}
	_, err := runs.Open(t.Context(), "device/1")
	require.ErrorContains(t, err, "describe device/1: ")
	err = runs.Signal(t.Context(), "device/1", metal.Report{})
	require.Error(t, err)
	require.NotErrorIs(t, err, metal.ErrRunOver)
}

func TestAProgramStartsWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, taken.Close())
	runs := temporal.Runs{Client: dial(t, temporal.Config{Address: taken.Addr().String(), Namespace: "default"})}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = runs.Open(ctx, "device/1")
	require.ErrorContains(t, err, "describe device/1: ")
}

func TestABadTLSFileIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for want, cfg := range map[string]temporal.Config{
		"no PEM certificate in " + empty: {Address: "temporal:7233", CA: empty},
		"read the TLS authority: open ":  {Address: "temporal:7233", CA: empty + ".none"},
		"give both or neither":           {Address: "temporal:7233", Cert: empty},
		"read the TLS certificate ":      {Address: "temporal:7233", Cert: empty, Key: empty},
	} {
		_, err := temporal.Dial(t.Context(), cfg)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "connect to Temporal at temporal:7233")
	}
}
