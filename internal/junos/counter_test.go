package junos

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestCountersAreOfWhatMachinesSend(t *testing.T) {
	t.Parallel()
	r := setup(t)
	counters, err := r.driver.Counters(t.Context(), r.sw)
	require.NoError(t, err)
	require.Contains(t, counters, metal.Counter{Port: "xe-0/0/7"})
	r.lab.Receive("xe-0/0/7", 1<<40)
	r.lab.Receive("xe-0/0/7", 3)
	counters, err = r.driver.Counters(t.Context(), r.sw)
	require.NoError(t, err)
	require.Contains(t, counters, metal.Counter{Port: "xe-0/0/7", Octets: 1<<40 + 3})
	require.Contains(t, counters, metal.Counter{Port: "xe-0/0/47"})
	require.Len(t, counters, 2, "loopbacks and the like have no totals")
}

func TestCountersOfASwitchThatIsNotThereAreAnError(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.sw.Credential = "none"
	r.sw.Address = "127.0.0.1:1"
	_, err := r.driver.Counters(t.Context(), r.sw)
	require.ErrorContains(t, err, "tor-r1")
}
