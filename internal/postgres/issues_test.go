package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// locker is the transaction that last locked or changed a machine's row.
func (r *rig) locker(machine string) (xmin, xmax string) {
	r.t.Helper()
	r.row([]any{&xmin, &xmax}, "select xmin::text, xmax::text from machines where id = $1", machine)
	return xmin, xmax
}

func TestALookThatFindsNothingAtAMachineThatIsWellLocksNothing(t *testing.T) {
	t.Parallel()
	r := imported(t)
	nothing := metal.Found{Machine: "m1", Look: metal.LookPatrol}
	first, err := r.store.RecordFindings(t.Context(), nothing)
	require.NoError(t, err)
	require.Equal(t, metal.HealthOK, first.Health, "nobody had looked yet")

	xmin, xmax := r.locker("m1")
	again, err := r.store.RecordFindings(t.Context(), nothing)
	require.NoError(t, err)
	require.Equal(t, first, again)
	gotMin, gotMax := r.locker("m1")
	require.Equal(t, xmin, gotMin)
	require.Equal(t, xmax, gotMax)

	hot := metal.Found{Machine: "m1", Look: metal.LookPatrol, Findings: []metal.Finding{{Kind: metal.HotPart, Part: "CPU1 Temp", Severity: metal.Degraded, Detail: "91"}}}
	verdict, err := r.store.RecordFindings(t.Context(), hot)
	require.NoError(t, err)
	require.Equal(t, metal.HealthDegraded, verdict.Health)
	verdict, err = r.store.RecordFindings(t.Context(), nothing)
	require.NoError(t, err)
	require.Equal(t, first, verdict, "what is gone is closed")
	issues, err := r.store.Issues(t.Context(), "m1")
	require.NoError(t, err)
	require.Empty(t, issues)

	_, err = r.store.RecordFindings(t.Context(), metal.Found{Machine: "m99", Look: metal.LookPatrol})
	require.ErrorIs(t, err, metal.ErrUnknownMachine)
}
