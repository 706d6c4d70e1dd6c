package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADisturbanceIsRecoveredFromOnceEveryRunHasGotOnOrEnded(t *testing.T) {
	t.Parallel()
	r := newRecovery()
	r.from()
	require.Empty(t, r.times(), "without a run under way there is nothing to recover")
	r.read(map[string]int64{"a": 5, "b": 7})
	r.from()
	r.read(map[string]int64{"a": 5, "b": 9, "c": 1})
	require.Len(t, r.open, 1, "a has written nothing yet")
	r.read(map[string]int64{"b": 9})
	require.Empty(t, r.open, "a has ended")
	require.Len(t, r.times(), 1)
	r.from()
	require.Len(t, r.times(), 2, "who has not recovered counts with the time until now")
}

func TestARunThatWritesNothingIsStill(t *testing.T) {
	t.Parallel()
	r := newRecovery()
	r.read(map[string]int64{"a": 5, "b": 7})
	r.since["a"], r.since["b"] = time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)
	r.read(map[string]int64{"a": 5, "b": 8})
	require.Equal(t, []string{"a"}, r.still(time.Minute))
	r.read(map[string]int64{"b": 8})
	require.Empty(t, r.still(time.Minute), "it has ended")
}

func TestPercentilesAreOfWhatWasMeasured(t *testing.T) {
	t.Parallel()
	require.Zero(t, percentile(nil, 0.99))
	times := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	require.EqualValues(t, 6, percentile(times, 0.5))
	require.EqualValues(t, 10, percentile(times, 0.99))
}
