package rig_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/rig"
)

func machines(t *testing.T, r *rig.Rig) []query.ListMachinesRow {
	t.Helper()
	all, err := r.Store.Queries().ListMachines(t.Context())
	require.NoError(t, err)
	return all
}

func addresses(t *testing.T, r *rig.Rig, device metal.DeviceID) []string {
	t.Helper()
	all, err := r.Addresses(t.Context(), device)
	require.NoError(t, err)
	return all
}

func TestADeviceThroughItsLife(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{})
	device := done(t, r, "first", rig.Provision()).Device
	held := addresses(t, r, device)
	require.Len(t, held, 3)
	done(t, r, "again", metal.OrderInput{Action: metal.ActionReinstall, Device: device, OperatingSystem: "ubuntu_24_04"})
	require.Equal(t, held, addresses(t, r, device))
	done(t, r, "rescued", metal.OrderInput{Action: metal.ActionRescue, Device: device})
	require.Equal(t, held, addresses(t, r, device))
	done(t, r, "back", metal.OrderInput{Action: metal.ActionReboot, Device: device})
	done(t, r, "off", metal.OrderInput{Action: metal.ActionPowerOff, Device: device})
	done(t, r, "on", metal.OrderInput{Action: metal.ActionPowerOn, Device: device})
	done(t, r, "gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	clean(t, r)

	// The same order again finds its first outcome, and does nothing.
	require.Equal(t, device, done(t, r, "first", rig.Provision()).Device)
	clean(t, r)
}

// certified requires that each disk that a device had was erased in full, and
// says so under a signature that holds.
func certified(t *testing.T, r *rig.Rig, device metal.DeviceID) {
	t.Helper()
	out, err := r.Run(t.Context(), "starter", "certificates", string(device), "-o", "json")
	require.NoError(t, err, out)
	require.Contains(t, out, `"mode": "full"`)
}

func TestMachinesWaitWarmForOrders(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Warm: 2, Every: time.Second, Post: span(t, "1s")})
	waiting := func() int {
		list, err := r.Store.MachinesToWarm(t.Context(), 10)
		require.NoError(t, err)
		return 2 - len(list)
	}
	require.Eventually(t, func() bool { return waiting() == 2 && noneClaimed(t, r) }, time.Minute, 100*time.Millisecond)
	for _, m := range machines(t, r) {
		require.Equal(t, string(metal.Idle), m.State, m.Reason)
	}
	device := done(t, r, "first", rig.Provision()).Device
	m, err := r.Store.Queries().MachineOfDevice(t.Context(), string(device))
	require.NoError(t, err)
	intent, err := r.Store.Queries().GetBootIntent(t.Context(), m.ID)
	require.NoError(t, err)
	require.True(t, intent.Warm, "the order found %s waiting", m.ID)
	require.Eventually(t, func() bool { return waiting() == 2 && noneClaimed(t, r) }, time.Minute, 100*time.Millisecond, "another one takes its place")
	done(t, r, "gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	certified(t, r, device)
}

func noneClaimed(t *testing.T, r *rig.Rig) bool {
	t.Helper()
	return !slices.ContainsFunc(machines(t, r), func(m query.ListMachinesRow) bool { return m.State == string(metal.Claimed) })
}

func TestTwoHundredDevicesAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 200, Limits: metal.Limits{Boot: 5 * time.Minute, Install: 5 * time.Minute, PhoneHome: 5 * time.Minute}})
	provisioned := all(t, r, provisions(200))
	allDone(t, provisioned)
	on := map[string]bool{}
	for _, m := range machines(t, r) {
		require.False(t, on[m.Device], "device %s is on two machines", m.Device)
		on[m.Device] = true
	}
	require.Len(t, on, 200)
	allDone(t, all(t, r, gone(provisioned)))
	clean(t, r)
}

// Each fault strikes one machine of a rack of four. Wherever a device ends, it
// is active, on a machine that works; what is broken is in quarantine, and says
// why.
func TestFaultsOfTheSiteDoNotReachTheTenant(t *testing.T) {
	t.Parallel()
	limits := metal.Limits{Boot: 12 * time.Second, Install: 15 * time.Second, PhoneHome: 15 * time.Second}
	r := start(t, rig.Config{Machines: 24, Limits: limits})
	for i, f := range []lab.Fault{
		{Target: "machine/m1", Name: "never-boots"},
		{Target: "machine/m2", Name: "boots-old-disk", Times: 1},
		{Target: "machine/m3", Name: "phones-home-twice"},
		{Target: "machine/m4", Name: "stale-token", Times: 1},
		{Target: "machine/m5", Name: "dhcp-lost", Times: 2},
		{Target: "machine/m6", Name: "agent-dies", Times: 1},
		{Target: "machine/m7", Name: "disk-error"},
		{Target: "machine/m8", Name: "stale-phone-home", Times: 1},
		{Target: "bmc/m9", Name: "session-busy"},
		{Target: "bmc/m10", Name: "lies-on", Times: 1},
		{Target: "bmc/m11", Name: "forgets-boot", Times: 1},
		{Target: "bmc/m12", Name: "refuse-login"},
		{Target: "switch/tor-r1", Name: "lock-held", Times: 3},
		{Target: "switch/tor-r2", Name: "drop-after-commit", Times: 1},
	} {
		require.NoError(t, r.Lab.SetFault(f), "fault %d", i)
	}
	provisioned := all(t, r, provisions(20))
	for id, status := range provisioned {
		require.Equal(t, "done", status.State, "%s: %s", id, status.Outcome)
	}
	broken := map[string]bool{}
	for _, m := range machines(t, r) {
		if m.State == "quarantined" {
			broken[m.ID] = true
			require.NotEmpty(t, m.Reason)
		}
	}
	require.Subset(t, []string{"m1", "m2", "m4", "m5", "m6", "m7", "m8", "m10", "m11", "m12"}, keys(broken))
	require.Subset(t, keys(broken), []string{"m1", "m7", "m12"}, "a machine that never works is never given away")
	allDone(t, all(t, r, gone(provisioned)))
	leaks, err := r.Leaks(t.Context())
	require.NoError(t, err)
	require.Empty(t, leaks)
}

func keys(set map[string]bool) (all []string) {
	for k := range set {
		all = append(all, k)
	}
	return all
}

func TestASilentSystemKeepsItsDeviceAndIsReinstalled(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 2, Limits: metal.Limits{Boot: 20 * time.Second, Install: 20 * time.Second, PhoneHome: 2 * time.Second}})
	for i := range 2 {
		require.NoError(t, r.Lab.SetFault(lab.Fault{Target: fmt.Sprintf("machine/m%d", i+1), Name: "silent-system", Times: 2}))
	}
	status, err := r.Do(t.Context(), "silent", rig.Provision())
	require.NoError(t, err)
	require.Equal(t, "failed", status.State)
	require.Contains(t, status.Outcome, "did not phone home")
	require.Len(t, addresses(t, r, status.Device), 3, "it keeps what it holds")
	done(t, r, "again", metal.OrderInput{Action: metal.ActionReinstall, Device: status.Device, OperatingSystem: "ubuntu_24_04"})
	done(t, r, "gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: status.Device})
	clean(t, r)
}
