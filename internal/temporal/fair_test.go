package temporal_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// crowd is how many orders one project has given when another gives its first.
const crowd = 300

// finish notes in which order device runs end, and whose they are.
type finish struct {
	mu  sync.Mutex
	all []string
}

// provision stands for Provision, which is not what this is about.
func (f *finish) provision(ctx workflow.Context, in workflows.RunInput) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, workflow.GetInfo(ctx).Priority.FairnessKey)
	return nil
}

func (f *finish) ended() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.all)
}

// record stands for RecordOrder: any order is one for a device of its project.
func record(_ context.Context, in activities.RecordOrderInput) (activities.RecordOrderResult, error) {
	project := metal.ProjectID("many")
	if in.Order == "one" {
		project = "few"
	}
	return activities.RecordOrderResult{Status: metal.OrderStatus{
		Order: in.Order, Action: metal.ActionProvision, State: "wanted",
		Device: metal.DeviceID("of-" + in.Order), Project: project, Site: "s", Plan: "p",
	}}, nil
}

// A project orders 300 devices while no worker is there; then another project
// orders one. The worker that comes, with one hand, does not let the one wait
// for the 300.
func TestOneOrderDoesNotWaitForAnotherProjectsHundreds(t *testing.T) {
	t.Parallel()
	cfg := server(t, "fair")
	require.NoError(t, temporal.Register(t.Context(), cfg, hourly))
	c := dial(t, cfg)
	runs := temporal.Runs{Client: c}
	for i := range crowd {
		require.NoError(t, runs.StartOrder(t.Context(), metal.OrderID(fmt.Sprint(i)), []byte(`{"action":"provision","project":"many"}`)))
	}
	require.NoError(t, runs.StartOrder(t.Context(), "one", []byte(`{"action":"provision","project":"few"}`)))

	var seen finish
	w := worker.New(c, workflows.ControlQueue, worker.Options{
		MaxConcurrentWorkflowTaskPollers: 2, MaxConcurrentWorkflowTaskExecutionSize: 2, // the fewest there are
		MaxConcurrentActivityExecutionSize: 1, MaxConcurrentActivityTaskPollers: 1, DisableEagerActivities: true,
	})
	w.RegisterWorkflow(workflows.Order)
	w.RegisterWorkflowWithOptions(seen.provision, workflow.RegisterOptions{Name: "Provision"})
	w.RegisterActivityWithOptions(record, activity.RegisterOptions{Name: "RecordOrder"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	var place int
	require.Eventually(t, func() bool {
		place = slices.Index(seen.ended(), "few")
		return place >= 0
	}, 2*time.Minute, 10*time.Millisecond)
	t.Logf("the one is the %dth of %d", place+1, crowd+1)
	require.Less(t, place, crowd/4)
}
