package rig_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/rig"
)

// Nothing that somebody has is given to another, or erased, or installed anew,
// although the records are those of an hour ago.
func TestARestoredBackupGivesNothingOutTwice(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 9, Limits: patient, Post: span(t, "15s"), Every: 2 * time.Second})
	devices := busy(t, r)
	since := time.Now()
	folder := backup(t, r)
	tenants := sinceThen(t, r, devices)
	before := map[string]lab.MachineState{}
	for _, id := range tenants {
		before[id] = machineryOf(t, r, id)
	}
	addressesBefore := routed(t, r)

	restore(t, r, folder, func() { noted(t, r, since) })
	told := reported(t, r)
	t.Logf("called out: %d, goes on: %d", len(told.Called), len(told.GoesOn))
	requireCalls(t, r, told, devices, tenants)
	allEnded(t, r)

	// What is free is given out, and nothing else.
	fresh := done(t, r, "fresh", rig.Provision()).Device
	require.NotContains(t, keysOf(tenants), on(t, r, fresh).ID)
	status, err := r.Do(t.Context(), "no-more", rig.Provision())
	require.NoError(t, err)
	require.Equal(t, "failed", status.State)
	for _, a := range addresses(t, r, fresh) {
		require.NotContains(t, addressesBefore, netip.MustParsePrefix(a).Masked())
	}
	routed(t, r)
	for id, was := range before {
		is := machineryOf(t, r, id)
		require.Equal(t, was.Disks, is.Disks, "machine %s was written to", id)
		require.Equal(t, was.PowerOns, is.PowerOns, "machine %s was switched", id)
		require.Equal(t, was.Power, is.Power)
	}
	for a, port := range addressesBefore {
		require.Equal(t, port, routed(t, r)[a], "the port of %s was touched", a)
	}
	leaks, err := r.Store.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
}

// sinceThen lets time go on: what was under way ends, devices go, and others get
// their machines. It returns the machines that tenants have by then.
func sinceThen(t *testing.T, r *rig.Rig, devices map[string]metal.DeviceID) map[string]string {
	t.Helper()
	idle := map[string]bool{}
	for _, m := range machines(t, r) {
		idle[m.ID] = m.State == string(metal.Idle)
	}
	allDone(t, await(t, r, map[metal.OrderID]metal.OrderInput{"coming": {}, "going-gone": {}, "again-again": {}}))
	given := all(t, r, provisions(4))
	allDone(t, given) // the three that idled at the backup, and the one that was going
	done(t, r, "replaced-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: devices["replaced"]})
	rested(t, r)
	devices["n4"] = done(t, r, "n4", rig.Provision()).Device // on the machine of the one that was replaced
	done(t, r, "left-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: devices["left"]})
	names := []string{"stays", "coming", "again", "n4"}
	free := false
	for id, status := range given {
		if !free && idle[on(t, r, status.Device).ID] { // came and went: its machine is free, at the backup and now
			free = true
			done(t, r, "brief-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: status.Device})
			continue
		}
		devices[string(id)] = status.Device
		names = append(names, string(id))
	}
	tenants := map[string]string{}
	for _, name := range names {
		tenants[name] = on(t, r, devices[name]).ID
	}
	return tenants
}

// rested waits until addresses that were given back may be given out again.
func rested(t *testing.T, r *rig.Rig) {
	t.Helper()
	require.Eventually(t, func() bool {
		use, err := r.Store.Queries().AddressUse(t.Context())
		return err == nil && !slices.ContainsFunc(use, func(b query.AddressUseRow) bool { return b.Quarantined > 0 })
	}, time.Minute, 100*time.Millisecond)
}

// requireCalls holds the report against what happened.
func requireCalls(t *testing.T, r *rig.Rig, told report, devices map[string]metal.DeviceID, tenants map[string]string) {
	t.Helper()
	called := map[metal.CallKind][]string{}
	for _, c := range told.Called {
		thing := string(c.Machine)
		if thing == "" || c.Kind == metal.InstalledSince {
			thing = string(c.Device)
		}
		called[c.Kind] = append(called[c.Kind], thing)
		require.NotEmpty(t, c.Evidence)
		require.NotEmpty(t, c.Next)
	}
	left := ""
	for _, m := range machines(t, r) {
		if !slices.Contains(keysOf(tenants), m.ID) && m.State == string(metal.Quarantined) {
			left = m.ID
		}
	}
	require.NotEmpty(t, left, "the machine of the device that left")
	aside := []string{left}
	for name, id := range tenants {
		if !slices.Contains([]string{"stays", "coming", "again"}, name) {
			aside = append(aside, id)
		}
	}
	require.ElementsMatch(t, aside, called[metal.MachineAside])
	require.ElementsMatch(t, []string{string(devices["coming"]), string(devices["again"])}, called[metal.InstalledSince])
	require.ElementsMatch(t, []string{string(devices["replaced"]), string(devices["going"]), string(devices["left"])}, called[metal.DeviceGone])
	require.NotEmpty(t, called[metal.AddressHeld])
	for _, c := range told.Called {
		if c.Kind == metal.AddressHeld {
			require.Contains(t, routed(t, r), c.Prefix)
		}
	}
}

func keysOf(tenants map[string]string) (all []string) {
	for _, id := range tenants {
		all = append(all, id)
	}
	return all
}

// allEnded waits until no run of the backup is open any more.
func allEnded(t *testing.T, r *rig.Rig) {
	t.Helper()
	require.Eventually(t, func() bool {
		open, err := r.Store.OpenOrders(t.Context(), 0, 1)
		unsettled, err2 := r.Store.Unsettled(t.Context(), 0, 1)
		return err == nil && err2 == nil && len(open)+len(unsettled) == 0
	}, 4*time.Minute, 100*time.Millisecond)
}

// Where nothing has happened since the backup, all runs go on and end as if
// nothing had been.
func TestARestoredBackupWithoutADifferenceChangesNothing(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 9, Limits: patient, Post: span(t, "15s"), Every: 2 * time.Second})
	devices := busy(t, r)
	stop(r)
	since := time.Now()
	restore(t, r, backup(t, r), func() { noted(t, r, since) })
	told := reported(t, r)
	require.Empty(t, told.Called)
	require.Len(t, told.GoesOn, 3)
	ended := await(t, r, map[metal.OrderID]metal.OrderInput{"coming": {}, "going-gone": {}, "again-again": {}})
	allDone(t, ended)
	provisioned := map[metal.OrderID]metal.OrderStatus{}
	for _, name := range []string{"stays", "replaced", "again", "left", "coming"} {
		provisioned[metal.OrderID(name)] = metal.OrderStatus{Device: devices[name]}
	}
	allDone(t, all(t, r, gone(provisioned)))
	clean(t, r)
}
