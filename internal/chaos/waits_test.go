package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestWhatARunHasUnderWayIsNamedWithoutItsMachine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "PowerOff started, before: reset by peer", reason(&workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{},
		PendingActivities: []*workflow.PendingActivityInfo{{
			ActivityType: &common.ActivityType{Name: "PowerOff"}, State: enums.PENDING_ACTIVITY_STATE_STARTED,
			LastFailure: &failure.Failure{Message: "127.0.0.1:8443 reset by peer"},
		}},
	}))
}

// What a run waits for has an end of its own, or the run has to name one.
func TestAWaitIsBoundedByWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	open, now := &workflow.WorkflowExecutionInfo{}, timestamppb.Now()
	patient := &workflow.PendingActivityInfo{ExpirationTime: now}
	endless := &workflow.PendingActivityInfo{}
	for name, c := range map[string]struct {
		described *workflowservice.DescribeWorkflowExecutionResponse
		want      bool
	}{
		"closed":                {&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{CloseTime: now}}, true},
		"nothing":               {&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: open}, false},
		"task":                  {&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: open, PendingWorkflowTask: &workflow.PendingWorkflowTaskInfo{}}, true},
		"activity":              {&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: open, PendingActivities: []*workflow.PendingActivityInfo{patient}}, true},
		"one of two is endless": {&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: open, PendingActivities: []*workflow.PendingActivityInfo{patient, endless}}, false},
	} {
		require.Equal(t, c.want, bounded(c.described), name)
	}
}
