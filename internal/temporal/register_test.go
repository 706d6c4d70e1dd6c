package temporal

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"millwright/workflows"
)

// lagging is a Temporal that does not know new attributes yet, as a real one
// does not for some 2 s.
type lagging struct {
	client.Client
	service  deletions
	refusals int
	err      error
}

// deletions notes which run was deleted.
type deletions struct {
	workflowservice.WorkflowServiceClient
	id string
}

func (l *lagging) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	if l.refusals > 0 {
		l.refusals--
		return nil, l.err
	}
	for _, key := range workflows.SearchAttributes() {
		if _, ok := o.TypedSearchAttributes.GetKeyword(key); !ok {
			return nil, serviceerror.NewPermissionDenied("probe without "+key.GetName(), "")
		}
	}
	return probeRun{}, nil
}

func (l *lagging) WorkflowService() workflowservice.WorkflowServiceClient { return &l.service }

func (d *deletions) DeleteWorkflowExecution(_ context.Context, in *workflowservice.DeleteWorkflowExecutionRequest, _ ...grpc.CallOption) (*workflowservice.DeleteWorkflowExecutionResponse, error) {
	d.id = in.WorkflowExecution.WorkflowId
	return nil, nil
}

type probeRun struct{ client.WorkflowRun }

func (probeRun) GetID() string    { return probe }
func (probeRun) GetRunID() string { return "run" }

func TestRegistrationWaitsUntilAttributesAreKnown(t *testing.T) {
	t.Parallel()
	l := &lagging{refusals: 2, err: serviceerror.NewInvalidArgument("no mapping defined for search attribute Device")}
	require.NoError(t, awaitStart(t.Context(), l, "default"))
	require.Zero(t, l.refusals)
	require.Equal(t, probe, l.service.id, "the probe's run is left in everybody's lists")
}

func TestRegistrationDoesNotWaitForWhatAPersonMustMend(t *testing.T) {
	t.Parallel()
	l := &lagging{refusals: 1000, err: serviceerror.NewPermissionDenied("not yours", "")}
	require.ErrorContains(t, awaitStart(t.Context(), l, "default"), "start a run with all search attributes in namespace \"default\": not yours")
	require.Equal(t, 999, l.refusals)
}
