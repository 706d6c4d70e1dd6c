package temporal_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/temporal"
	"millwright/workflows"
)

func TestAMoveIsStartedOnlyWhereNoneIsOpenAndSaysWhichIs(t *testing.T) {
	t.Parallel()
	cfg := server(t, "moves")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	runs := temporal.Runs{Client: c}
	workflowsOnly(t, c)
	in := workflows.AddressInput{Reservation: "r-1", Prefix: netip.MustParsePrefix("198.51.100.7/32"), Device: "d-1"}
	first, err := runs.StartAddress(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "address/r-1", first.ID)
	in.Device = "d-2" // to answer with the open run would say that this is done
	second, err := runs.StartAddress(t.Context(), in)
	require.ErrorIs(t, err, temporal.ErrOpen)
	require.Equal(t, first, second, "the open one, to be waited for")

	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, runs.Await(brief, first, nil), context.DeadlineExceeded)
	require.NoError(t, c.TerminateWorkflow(t.Context(), first.ID, first.Run, "somebody's word"))
	require.ErrorContains(t, runs.Await(t.Context(), first, nil), "wait for address/r-1: ")
	third, err := runs.StartAddress(t.Context(), in)
	require.NoError(t, err)
	require.NotEqual(t, first.Run, third.Run)
}

func TestRunsOfASwitchAreFoundByItsNameAndSite(t *testing.T) {
	t.Parallel()
	cfg := server(t, "switches")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	runs := temporal.Runs{Client: c}
	in := workflows.SwitchInput{Switch: "tor-r1", Site: "lab1"}
	for kind, start := range map[string]func(context.Context, workflows.SwitchInput) (temporal.Execution, error){
		"CheckSwitch": runs.StartCheck, "PlanSwitch": runs.StartPlan,
	} {
		begun, err := start(t.Context(), in)
		require.NoError(t, err)
		described, err := c.DescribeWorkflowExecution(t.Context(), begun.ID, begun.Run)
		require.NoError(t, err)
		require.Equal(t, kind, described.WorkflowExecutionInfo.Type.Name)
		_, err = start(t.Context(), in)
		require.ErrorIs(t, err, temporal.ErrOpen, kind)
	}
	session, err := runs.StartSession(t.Context(), workflows.SessionInput{Device: "d-1", Family: 4, On: true})
	require.NoError(t, err)
	require.Equal(t, "bgp/d-1", session.ID)
	require.Eventually(t, func() bool {
		list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: cfg.Namespace, Query: `Switch="tor-r1" and Site="lab1"`,
		})
		return err == nil && len(list.Executions) == 2
	}, patience, 50*time.Millisecond)
}

func TestARunThatFailedSaysItsSentenceAndItsType(t *testing.T) {
	t.Parallel()
	cfg := server(t, "failed")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	w := worker.New(c, "refusing", worker.Options{WorkerStopTimeout: time.Second})
	refuse := func(workflow.Context) error {
		return sdk.NewNonRetryableApplicationError("port tor-r1:xe-0/0/1: no room", "ConfigRefused", nil)
	}
	w.RegisterWorkflowWithOptions(refuse, workflow.RegisterOptions{Name: "Refuse"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "switch/tor-r1", TaskQueue: "refusing"}, "Refuse")
	require.NoError(t, err)
	err = temporal.Runs{Client: c}.Await(t.Context(), temporal.Execution{ID: run.GetID(), Run: run.GetRunID()}, nil)
	require.EqualError(t, err, "switch/tor-r1: port tor-r1:xe-0/0/1: no room (ConfigRefused)")
}
