package workflows

import (
	"reflect"
	"runtime"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"
)

// Deployment names Millwright's workers to Temporal's worker versioning. Each
// build of them is a version of it. It stands in histories.
const Deployment = "millwright"

// lasting are the runs that may be open for longer than a release is in use,
// and why. They go on with whichever build is current, so a change to their
// code keeps what old histories did behind workflow.GetVersion, and the replay
// test holds it to that. All others are pinned: they end on the build that
// began them, and their code changes freely.
var lasting = map[string]string{
	"Fleet":   "it may be given a week, and what it orders late should begin on the newest build",
	"Webhook": "an endpoint that is sent something every hour keeps its run open for good, through many histories",
	"Rollout": "it goes through all machines of a plan, two at a time, each for up to an hour",
}

// lookLimit is when Temporal ends a look that a schedule begins again anyway. One
// whose workers are gone for good would keep its workflow ID for ever, and nobody
// would look any more. Looks hold nothing, so that no cleanup is lost; runs that
// do have no such limit.
const lookLimit = 2 * time.Hour // a round of a patrol may take one, and so may a check that repairs

// ending gives a child that is a look its limit.
func ending(child workflow.Context) workflow.Context {
	return workflow.WithWorkflowRunTimeout(child, lookLimit)
}

// Versioning says what happens to a run of this type when another build
// becomes current.
func Versioning(kind string) workflow.VersioningBehavior {
	if lasting[kind] != "" {
		return workflow.VersioningBehaviorAutoUpgrade
	}
	return workflow.VersioningBehaviorPinned
}

// Registry is the part of a worker that takes workflows.
type Registry interface {
	RegisterWorkflowWithOptions(run any, options workflow.RegisterOptions)
}

// Register gives a worker every run, each with its versioning. A worker without
// a build ID takes no notice of that.
func Register(w Registry) {
	for _, run := range All() {
		w.RegisterWorkflowWithOptions(run, workflow.RegisterOptions{VersioningBehavior: Versioning(kindOf(run))})
	}
}

// kindOf is a workflow's type as Temporal knows it: the function's name.
func kindOf(run any) string {
	name := runtime.FuncForPC(reflect.ValueOf(run).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}
