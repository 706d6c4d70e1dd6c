package metal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAnOutlookCountsWhatIsIdleThenWhatIsClearedThenWhoLeaves(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	o := metal.Outlook{Idle: 1, Clearing: 2, Clear: 10 * time.Minute, LeftInDay: 24}
	require.Equal(t, now, o.At(now, 1))
	require.Equal(t, now.Add(10*time.Minute), o.At(now, 2))
	require.Equal(t, now.Add(10*time.Minute), o.At(now, 3))
	require.Equal(t, now.Add(70*time.Minute), o.At(now, 4))
	o.LeftInDay = 0
	require.Zero(t, o.At(now, 4), "nobody leaves: nobody can say")
	require.Contains(t, metal.Turn{Place: 4, Waiting: 7}.String(), "place 4 of 7, nobody can say when")
}
