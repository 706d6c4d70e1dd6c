package workflows

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Runs that are open while a new release rolls out must go on under it, or stay
// pinned to the old one. Histories are recorded from a real Temporal by
// `make histories`, one folder per release.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	err := fs.WalkDir(os.DirFS("testdata/histories"), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		t.Run(path, func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			for _, run := range All() {
				replayer.RegisterWorkflow(run)
			}
			file, err := os.Open(filepath.Join("testdata/histories", path))
			require.NoError(t, err)
			defer file.Close()
			history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
			require.NoError(t, err)
			// An Order reads its own ID, which a history does not tell.
			options := worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: OrderRun("one")}}
			require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(quiet{}, history, options))
		})
		seen[strings.TrimSuffix(filepath.Base(path), ".json")] = true
		return nil
	})
	require.NoError(t, err)
	for _, scenario := range []string{"order", "provision", "provision-cancelled", "provision-another-machine", "reinstall", "deprovision", "power-off", "recover", "reconcile"} {
		require.True(t, seen[scenario], "no history of %s is recorded: make histories", scenario)
	}
}
