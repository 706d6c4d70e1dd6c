package workflows

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// next is the folder of what this tree's code did; the others are releases'.
const next = "next"

// replay tells whether this code would do again what a history says.
func replay(told *history.History) error {
	replayer := worker.NewWorkflowReplayer()
	Register(replayer)
	// Some read their own IDs.
	id := told.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()
	options := worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}}
	return replayer.ReplayWorkflowHistoryWithOptions(quiet{}, told, options)
}

// recorded are the histories of a release by scenario, as `make histories` had
// them from a real Temporal.
func recorded(t *testing.T, release string) map[string]*history.History {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata/histories", release, "*.json"))
	require.NoError(t, err)
	found := map[string]*history.History{}
	for _, name := range files {
		file, err := os.Open(name)
		require.NoError(t, err)
		told, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
		require.NoError(t, file.Close())
		require.NoError(t, err, name)
		found[strings.TrimSuffix(filepath.Base(name), ".json")] = told
	}
	return found
}

func typeOfRun(told *history.History) string {
	return told.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
}

// A run's code may change until the next release; what was recorded of it has
// to change with it, or the release would be held to something that it never did.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	seen := recorded(t, next)
	for scenario, told := range seen {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(told), "the code of %s does something else now: make histories", typeOfRun(told))
		})
	}
	for _, scenario := range []string{"order", "provision", "provision-cancelled", "provision-another-machine", "reinstall", "deprovision", "power-off", "recover", "reconcile"} {
		require.Contains(t, seen, scenario, "no history of %s is recorded: make histories", scenario)
	}
}

// Runs that last go on under this release in the middle of what an earlier one
// began. Pinned ones end on the release that began them, so their code may do
// something else by now: but then they cannot be moved to this release when
// their workers are gone, which operators have to know. The file changed in the
// release's folder lists them.
func TestWhatLastsReplaysForEveryRelease(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir("testdata/histories")
	require.NoError(t, err)
	releases := 0
	for _, folder := range folders {
		if folder.Name() == next {
			continue
		}
		releases++
		t.Run(folder.Name(), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("testdata/histories", folder.Name(), "changed"))
			require.NoError(t, err)
			var changed []string
			for scenario, told := range recorded(t, folder.Name()) {
				kind, err := typeOfRun(told), replay(told)
				if Versioning(kind) == workflow.VersioningBehaviorAutoUpgrade {
					require.NoError(t, err, "%s: runs of %s last, and go on with this code: keep what it did behind workflow.GetVersion", scenario, kind)
				}
				if err != nil && !slices.Contains(changed, kind) {
					changed = append(changed, kind)
				}
			}
			require.ElementsMatch(t, strings.Fields(string(text)), changed,
				"runs of %s that cannot be moved to this release: bring testdata/histories/%[1]s/changed to what is found, and tell of it in the changelog", folder.Name())
		})
	}
	require.NotZero(t, releases, "no release's histories are here")
}

func TestEveryRunThatLastsIsARunAndRecorded(t *testing.T) {
	t.Parallel()
	var seen []string
	for _, told := range recorded(t, next) {
		seen = append(seen, typeOfRun(told))
	}
	var kinds []string
	for _, run := range All() {
		kinds = append(kinds, kindOf(run))
	}
	require.Contains(t, kinds, "Provision")
	for kind := range lasting {
		require.Contains(t, kinds, kind)
		require.Contains(t, seen, kind, "the next release could not be held to what %s does: make histories", kind)
	}
}
