package postgres_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// has says whether a machine has an open issue of a kind.
func (r *rig) has(machine metal.MachineID, kind metal.IssueKind) bool {
	r.t.Helper()
	issues, err := r.store.Issues(r.t.Context(), machine)
	require.NoError(r.t, err)
	for _, i := range issues {
		if i.Kind == kind {
			return true
		}
	}
	return false
}

// The one that was looked at first is in the pool by the time that the other
// one says the same serial. Nobody knows which of the two wears its own label.
func TestTheTwinThatWasProvenFirstLeavesThePool(t *testing.T) {
	t.Parallel()
	r := imported(t)
	r.exec("update machines set state = 'idle'")
	twins, err := r.store.NoteSerial(t.Context(), "m1", "S1")
	require.NoError(t, err)
	require.Empty(t, twins)
	for range 2 { // a repeat changes nothing
		twins, err = r.store.NoteSerial(t.Context(), "m2", "S1")
		require.NoError(t, err)
		require.Equal(t, []metal.MachineID{"m1"}, twins)
	}
	require.True(t, r.has("m1", metal.DuplicateSerial))
	var state, reason string
	r.row([]any{&state, &reason}, "select state, reason from machines where id = 'm1'")
	require.Equal(t, "quarantined", state)
	require.Contains(t, reason, "serial S1 is also that of m2")
}

// A look that began before its twin was found does not close what was found.
func TestALookThatBeganBeforeItsTwinWasFoundClosesNothing(t *testing.T) {
	t.Parallel()
	r := imported(t)
	_, err := r.store.NoteSerial(t.Context(), "m1", "S1")
	require.NoError(t, err)
	_, err = r.store.NoteSerial(t.Context(), "m2", "S1")
	require.NoError(t, err)
	verdict, err := r.store.RecordFindings(t.Context(), metal.Found{Machine: "m1", Look: metal.LookCompare})
	require.NoError(t, err)
	require.Len(t, verdict.Blocking, 1)

	r.exec("update machines set serial = '' where id = 'm2'") // a person relabelled it
	verdict, err = r.store.RecordFindings(t.Context(), metal.Found{Machine: "m1", Look: metal.LookCompare})
	require.NoError(t, err)
	require.Empty(t, verdict.Blocking, "nobody has its serial any more")
}

// Two that say the same serial in one moment see each other.
func TestTwinsThatAreLookedAtTogetherSeeEachOther(t *testing.T) {
	t.Parallel()
	r := imported(t)
	var both sync.WaitGroup
	for _, machine := range []metal.MachineID{"m1", "m2"} {
		both.Go(func() {
			twins, err := r.store.NoteSerial(t.Context(), machine, "S1")
			require.NoError(t, err)
			found := metal.Found{Machine: machine, Look: metal.LookCompare}
			if len(twins) > 0 {
				found.Findings = []metal.Finding{{Kind: metal.DuplicateSerial, Severity: metal.Failing}}
			}
			_, err = r.store.RecordFindings(t.Context(), found)
			require.NoError(t, err)
		})
	}
	both.Wait()
	require.True(t, r.has("m1", metal.DuplicateSerial) && r.has("m2", metal.DuplicateSerial))
}
