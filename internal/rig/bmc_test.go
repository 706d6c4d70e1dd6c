package rig_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/rig"
)

// BMCs are weather: one freezes under a burst, one answers every third log-in,
// one says that it switched on and did not. Runs finish, or go on elsewhere for
// that reason; and once a BMC is known to freeze, nobody drives it there again.
func TestRunsEndWhateverTheirBMCsDo(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{
		Machines: 3, Limits: metal.Limits{Boot: 30 * time.Second, Install: time.Minute, PhoneHome: time.Minute}, Post: span(t, "3s"),
		Faults: []lab.Fault{
			{Target: "bmc/m1", Name: "freezes-under-burst", Delay: lab.Duration(40 * time.Second)},
			{Target: "bmc/m2", Name: "every-third", Delay: lab.Duration(time.Second)},
			{Target: "bmc/m3", Name: "lies-on"},
		},
	})
	orders := map[metal.OrderID]metal.OrderInput{"a": rig.Provision(), "b": rig.Provision(), "c": rig.Provision()}
	ends := map[string]int{}
	for _, status := range all(t, r, orders) {
		ends[status.State]++
	}
	require.Equal(t, map[string]int{"done": 2, "failed": 1}, ends)
	var frozen metal.DeviceID
	for _, m := range machines(t, r) {
		switch m.ID {
		case "m1":
			frozen = metal.DeviceID(m.Device)
			require.Equal(t, string(metal.Occupied), m.State)
		case "m2":
			require.Equal(t, string(metal.Occupied), m.State)
		case "m3":
			require.Equal(t, string(metal.Quarantined), m.State)
			require.Contains(t, m.Reason, "after 3 power cycles")
		}
	}

	bmc, err := r.Lab.BMC("m1")
	require.NoError(t, err)
	known, err := r.Store.BMCRecord(t.Context(), "m1")
	require.NoError(t, err)
	require.Positive(t, known.Gap, "it froze, and nobody learnt from it")
	bmc.ResetLoad()
	done(t, r, "reboot", metal.OrderInput{Action: metal.ActionReboot, Device: frozen})
	load := bmc.Load()
	require.Positive(t, load.Requests)
	require.LessOrEqual(t, load.MostIn2s, 5)
}
