package metal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestWhatIsKeptHasSensibleTimes(t *testing.T) {
	t.Parallel()
	require.NoError(t, metal.Keep{}.Check())
	require.Equal(t, time.Hour, metal.Keep{}.Every())
	require.Equal(t, time.Second, metal.Keep{Logs: 12 * time.Minute}.Every())
	require.ErrorContains(t, metal.Keep{Logs: 9601 * time.Hour}.Check(), "deliveries name them")
	require.ErrorContains(t, metal.Keep{Audit: -time.Hour}.Check(), "none below zero")
}
