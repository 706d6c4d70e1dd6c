package temporal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"millwright/workflows"
)

// ErrOtherCode is that a run did what this program's workflows would not do: on
// a build with them it would stand still.
var ErrOtherCode = errors.New("its history is not what this release's workflows would do")

// BuildRun is an open run and the build that it is on.
type BuildRun struct {
	Execution
	Type string `json:"type"`
}

// openOn selects the open runs of a build.
func openOn(build string) string {
	return fmt.Sprintf("ExecutionStatus = 'Running' and TemporalWorkerDeploymentVersion = %q", workflows.Deployment+":"+build)
}

func (r Runs) count(ctx context.Context, query string) (int64, error) {
	counted, err := r.Client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, fmt.Errorf("count open runs: %w", err)
	}
	return counted.GetCount(), nil
}

// OpenOn lists the open runs of a build. A run that began or moved this second
// may be missing: lists of Temporal are a little behind.
func (r Runs) OpenOn(ctx context.Context, build string) ([]BuildRun, error) {
	var found []BuildRun
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: openOn(build)}
	for {
		page, err := r.Client.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("list the open runs of build %s: %w", build, err)
		}
		for _, e := range page.GetExecutions() {
			found = append(found, BuildRun{Execution{ID: e.GetExecution().GetWorkflowId(), Run: e.GetExecution().GetRunId()}, e.GetType().GetName()})
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return found, nil
		}
	}
}

// CanMove finds out whether a run can go on with this program's workflows: its
// history is replayed with them. ErrOtherCode where it cannot.
func (r Runs) CanMove(ctx context.Context, run BuildRun) error {
	told, err := r.history(ctx, run.Execution)
	if err != nil {
		return err
	}
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer)
	as := worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: run.ID, RunID: run.Run}}
	if err := replayer.ReplayWorkflowHistoryWithOptions(unheard, told, as); err != nil {
		return fmt.Errorf("%s: %w: %w", run.ID, ErrOtherCode, err)
	}
	return nil
}

func (r Runs) history(ctx context.Context, run Execution) (*history.History, error) {
	told := &history.History{}
	events := r.Client.GetWorkflowHistory(ctx, run.ID, run.Run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, r.to(run.ID, "read the history of", err)
		}
		told.Events = append(told.Events, event)
	}
	return told, nil
}

// unheard is the log of a replay, which would tell of every step again.
var unheard = log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))

// Move takes a run to another build: for its next task, after which it is
// versioned as that build's workers say. What it waits for comes along. It does
// not ask CanMove.
func (r Runs) Move(ctx context.Context, run BuildRun, build string) error {
	_, err := r.Client.UpdateWorkflowExecutionOptions(ctx, client.UpdateWorkflowExecutionOptionsRequest{
		WorkflowId: run.ID, RunId: run.Run,
		WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{
			VersioningOverride: &client.VersioningOverrideChange{Value: &client.OneTimeVersioningOverride{TargetVersion: version(build)}},
		},
	})
	return r.to(run.ID, "move", err)
}
