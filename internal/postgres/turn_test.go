package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

func TestATurnAtABMCIsOneHoldersUntilItIsGivenBackOrOver(t *testing.T) {
	t.Parallel()
	r := imported(t)
	turns, ctx, soon := postgres.Turns{Store: r.store}, t.Context(), time.Now().Add(time.Minute)
	take := func(holder string) bool {
		t.Helper()
		_, mine, err := turns.Take(ctx, "m1", holder, soon)
		require.NoError(t, err)
		return mine
	}
	require.True(t, take("one"))
	require.True(t, take("one"), "whoever has it may take it again")
	require.False(t, take("two"))

	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	learnt := metal.BMCRecord{Machine: "m1", Protocol: metal.IPMI, ProtocolAt: at, Gap: 200 * time.Millisecond, Score: 0.25, Failures: 3,
		RestsUntil: at, LastError: "no answer", LastOK: at, ResetAt: at, UsedAt: at}
	require.NoError(t, turns.Done(ctx, "m1", "two", metal.BMCRecord{}), "who has not the turn writes nothing")
	require.False(t, take("two"))
	require.NoError(t, turns.Done(ctx, "m1", "one", learnt))
	known, err := r.store.BMCRecord(ctx, "m1")
	require.NoError(t, err)
	for _, moment := range []*time.Time{&known.ProtocolAt, &known.RestsUntil, &known.LastOK, &known.ResetAt, &known.UsedAt} {
		*moment = moment.UTC()
	}
	require.Equal(t, learnt, known)

	require.True(t, take("two"))
	r.exec("update bmc_records set held_until = now() - interval '1 second'")
	require.True(t, take("one"), "the turn of a process that died ends by itself")
	require.NoError(t, turns.Done(ctx, "m1", "two", metal.BMCRecord{}))
	require.False(t, take("three"), "it is not the dead one's to give back")
}
