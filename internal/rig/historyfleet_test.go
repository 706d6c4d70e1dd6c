package rig_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// fleets records a small fleet, one that is cancelled, and a device that waits
// in the line until a machine is there.
func fleets(t *testing.T, r *rig.Rig) {
	t.Helper()
	// One machine is left for the device that waits.
	f := fleetOf(t, "recorded", min(3, len(idleMachines(t, r))-1), 2*time.Minute)
	startFleet(t, r, f)
	require.Equal(t, "done", fleetAt(t, r, f.ID, "over", over).State)
	record(t, r, "fleet", workflows.FleetRun(f.ID))
	f = fleetOf(t, "cancelled", 2, time.Hour)
	startFleet(t, r, f)
	fleetAt(t, r, f.ID, "under way", func(s metal.FleetStatus) bool { return s.Ordered == 2 })
	require.NoError(t, temporal.Runs{Client: r.Client}.CancelFleet(t.Context(), f.ID))
	require.Equal(t, "failed", fleetAt(t, r, f.ID, "over", over).State)
	record(t, r, "fleet-cancelled", workflows.FleetRun(f.ID))
	waiting(t, r)
}

// waiting fills the site, so that one more has to wait.
func waiting(t *testing.T, r *rig.Rig) {
	t.Helper()
	idle := idleMachines(t, r)
	require.NotEmpty(t, idle)
	for _, m := range idle {
		require.NoError(t, r.Store.Quarantine(t.Context(), metal.Word{Machine: m, By: "a test", Note: "kept aside"}), "machine %s", m)
	}
	device := waits(t, r, "acme", 0, 1)
	require.True(t, atStep(t, r, workflows.DeviceRun(device), workflows.StepLine))
	require.NoError(t, r.Store.Vouch(t.Context(), metal.Word{Machine: idle[0], By: "a test", Note: "fit"}))
	require.Equal(t, "done", ended(t, r, "acme-0").State)
	record(t, r, "provision-in-turn", workflows.DeviceRun(device))
	done(t, r, "in-turn-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
}

func idleMachines(t *testing.T, r *rig.Rig) (idle []metal.MachineID) {
	t.Helper()
	for _, m := range machines(t, r) {
		if m.State == string(metal.Idle) {
			idle = append(idle, metal.MachineID(m.ID))
		}
	}
	return idle
}
