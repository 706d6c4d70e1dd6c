package rig_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/temporal"
	"millwright/workflows"
)

// fleetOf is a fleet of this rig's.
func fleetOf(t *testing.T, id metal.FleetID, quantity int, within time.Duration) metal.Fleet {
	t.Helper()
	device := rig.Provision()
	device.Action, device.Site = "", ""
	raw, err := json.Marshal(metal.FleetInput{Device: device, Sites: []metal.SiteID{rig.Site}, Quantity: quantity, Within: metal.Wait(within)})
	require.NoError(t, err)
	f, err := metal.ParseFleet(id, raw)
	require.NoError(t, err)
	return f
}

func startFleet(t *testing.T, r *rig.Rig, f metal.Fleet) {
	t.Helper()
	require.NoError(t, temporal.Runs{Client: r.Client}.StartFleet(t.Context(), f.ID, f.Input))
}

// fleetAt waits until a fleet stands as it should.
func fleetAt(t *testing.T, r *rig.Rig, id metal.FleetID, what string, as func(metal.FleetStatus) bool) (status metal.FleetStatus) {
	t.Helper()
	deadline := time.Now().Add(6 * time.Minute)
	for {
		var err error
		if status, err = r.Store.Fleet(t.Context(), id); err == nil && as(status) {
			return status
		}
		require.True(t, time.Now().Before(deadline), "fleet %s is not %s: %+v: %v", id, what, status, err)
		<-time.After(20 * time.Millisecond)
	}
}

func over(s metal.FleetStatus) bool { return s.Ended != nil }

// Thirty devices as one, on a worker that is killed twice and with a run that is
// terminated in between: they are the thirty that were ordered, each once. A
// fleet that cannot be enough beside them leaves nothing.
func TestAFleetOutlivesItsWorkerAndItsRun(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 32, Limits: patient})
	f := fleetOf(t, "thirty", 30, time.Hour)
	startFleet(t, r, f)
	for _, active := range []int{3, 15} {
		fleetAt(t, r, f.ID, "in its middle", func(s metal.FleetStatus) bool { return s.Active >= active })
		r.Workers[0].Kill()
		if active == 3 {
			require.NoError(t, r.Client.TerminateWorkflow(t.Context(), workflows.FleetRun(f.ID), "", "for a test"))
		}
		require.NoError(t, r.Workers[0].Start(t.Context()))
	}
	status := fleetAt(t, r, f.ID, "over", over)
	require.Equal(t, "done", status.State, status.Outcome)
	require.Equal(t, 30, status.Active)
	devices, err := r.Store.FleetDevices(t.Context(), f.ID)
	require.NoError(t, err)
	require.Len(t, devices, 30)
	held := map[metal.MachineID]bool{}
	for n, d := range devices {
		require.Equal(t, f.Device(n), d.Device)
		require.False(t, held[d.Machine], "machine %s has two devices", d.Machine)
		held[d.Machine] = true
	}

	three := fleetOf(t, "three", 3, 20*time.Second)
	startFleet(t, r, three)
	fleetAt(t, r, three.ID, "waiting for a third machine", func(s metal.FleetStatus) bool { return s.Waiting == 1 || over(s) })
	status = fleetAt(t, r, three.ID, "over", over)
	require.Equal(t, "failed", status.State, status.Outcome)
	require.Contains(t, status.Outcome, "all were given back")
	require.Zero(t, status.Left)
	require.Zero(t, status.Open)
	leaks, err := r.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
	idle := 0
	for _, m := range machines(t, r) {
		require.Contains(t, []string{"idle", "occupied"}, m.State, "machine %s: %s", m.ID, m.Reason)
		if m.State == "idle" {
			idle++
		}
	}
	require.Equal(t, 2, idle)
}

// waits orders a device that waits for its machine, and returns it once it is in
// the line.
func waits(t *testing.T, r *rig.Rig, project metal.ProjectID, n, line int) metal.DeviceID {
	t.Helper()
	in := rig.Provision()
	in.Project, in.Wait = project, metal.Wait(time.Hour)
	id := metal.OrderID(fmt.Sprintf("%s-%d", project, n))
	require.NoError(t, r.Order(t.Context(), id, in))
	var device metal.DeviceID
	require.Eventually(t, func() bool {
		waiting := inLine(t, r)
		status, err := r.Store.Order(t.Context(), id)
		device = status.Device
		return err == nil && len(waiting) == line
	}, time.Minute, 20*time.Millisecond, "%s is not in the line", id)
	return device
}

func inLine(t *testing.T, r *rig.Rig) (devices []metal.DeviceID) {
	t.Helper()
	waiting, err := r.Store.InLine(t.Context(), rig.Site, "", "")
	require.NoError(t, err)
	for _, w := range waiting {
		devices = append(devices, w.Device)
	}
	return devices
}

// Two projects wait for three machines that others leave one after the other.
// One device's run is lost while it waits, and one is not wanted any more.
func TestMachinesThatComeFreeGoToProjectsInTurn(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 3, Limits: patient})
	first := all(t, r, provisions(3))
	allDone(t, first)
	m0, m1, m2 := waits(t, r, "many", 0, 1), waits(t, r, "many", 1, 2), waits(t, r, "many", 2, 3)
	one := waits(t, r, "one", 0, 4)
	require.Equal(t, []metal.DeviceID{m0, one, m1, m2}, inLine(t, r), "the project with one order is second")

	done(t, r, "m2-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: m2})
	require.Equal(t, []metal.DeviceID{m0, one, m1}, inLine(t, r))
	require.Equal(t, "failed", ended(t, r, "many-2").State)
	require.NoError(t, r.Client.TerminateWorkflow(t.Context(), workflows.DeviceRun(m1), "", "for a test"))

	machine := map[metal.DeviceID]string{}
	for i, next := range []struct {
		device metal.DeviceID
		order  metal.OrderID
	}{{m0, "many-0"}, {one, "one-0"}, {m1, "many-1"}} {
		leaver := metal.OrderID(fmt.Sprintf("p%d", i))
		done(t, r, string(leaver)+"-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: first[leaver].Device})
		require.Equal(t, "done", ended(t, r, next.order).State, next.order)
		m, err := r.Store.Queries().MachineOfDevice(t.Context(), string(next.device))
		require.NoError(t, err)
		machine[next.device] = m.ID
		require.Len(t, inLine(t, r), 2-i, "nobody else got one")
		if i == 0 {
			seesItsTurn(t, r, one)
		}
	}
	require.Len(t, machine, 3)
	require.NotEqual(t, machine[m0], machine[one])
	require.NotEqual(t, machine[one], machine[m1])
	require.NotEqual(t, machine[m0], machine[m1])
	leaks, err := r.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
}

// seesItsTurn requires that who waits is told where it stands.
func seesItsTurn(t *testing.T, r *rig.Rig, device metal.DeviceID) {
	t.Helper()
	turn, err := r.Store.Turn(t.Context(), device)
	require.NoError(t, err)
	require.Equal(t, 1, turn.Place)
	require.NotZero(t, turn.Expected, "one left today, so there is something to go by")
	out, err := r.Run(t.Context(), "starter", "line", "--project", "one")
	require.NoError(t, err, out)
	require.Contains(t, out, string(device))
	out, err = r.Run(t.Context(), "starter", "status", string(device))
	require.NoError(t, err, out)
	require.Contains(t, out, "place 1 of 2, expected about 20")
	require.Contains(t, out, "instance.waiting")
	require.True(t, atStep(t, r, workflows.DeviceRun(device), workflows.StepLine))
}
