package workflows

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

func TestAProvisionOnTwoSwitchesOpensBothPortsAndGivesAllBack(t *testing.T) {
	t.Parallel()
	w := newPlaces(t).world(t, 1).twins()
	in := w.provision("o1")
	before := w.free()
	require.NoError(t, w.run(Provision, in))
	require.Equal(t, goodProvision, w.calls, "both ports are one step")
	ports := w.portsOf(w.device().Machine)
	require.Len(t, ports, 2)
	require.NotEqual(t, ports[0].Switch, ports[1].Switch)
	for _, p := range ports {
		require.Equal(t, metal.Tenant, w.ports[p].Profile)
	}
	leases, err := w.store.Queries().LeasesOfDevice(t.Context(), string(in.Device))
	require.NoError(t, err)
	require.Len(t, leases, 6)
	w.accounted()

	require.NoError(t, w.run(Reinstall, w.ordered("again", metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "ubuntu_24_04", Device: in.Device})))
	again, err := w.store.Queries().LeasesOfDevice(t.Context(), string(in.Device))
	require.NoError(t, err)
	require.Equal(t, leases, again, "a reinstall keeps its addresses")
	w.accounted()

	require.NoError(t, w.run(Deprovision, w.ordered("out", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
	for _, p := range ports {
		require.Equal(t, metal.Parked, w.ports[p].Profile)
	}
	w.accounted()
	w.rested()
	require.Equal(t, before, w.free(), "links and loopbacks are back")
}

// rested returns to their blocks what this world's devices gave back.
func (w *world) rested() {
	w.t.Helper()
	for _, role := range []metal.Role{metal.Public, metal.Private} {
		require.NoError(w.t, w.store.SetRest(w.t.Context(), role, 0))
	}
	_, err := w.store.FreeRested(w.t.Context())
	require.NoError(w.t, err)
}

// free is how much of each of this world's blocks is free.
func (w *world) free() map[string]float64 {
	w.t.Helper()
	use, err := w.store.Queries().AddressUse(w.t.Context())
	require.NoError(w.t, err)
	free := map[string]float64{}
	for _, b := range use {
		if b.Site == string(w.site) {
			free[b.Prefix.String()] = b.Free
		}
	}
	return free
}

func TestAProvisionOnTwoSwitchesEndsCleanWhicheverStepFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n, call := range goodProvision {
		for _, how := range []harm{before, after, lose, twice} {
			t.Run(fmt.Sprintf("%s/%s", call, how), func(t *testing.T) {
				t.Parallel()
				w := places.world(t, 2).twins()
				w.spoil = failing(n+1, how)
				err := w.run(Provision, w.provision("o1"))
				if how == lose || how == twice {
					require.NoError(t, err)
				}
				w.accounted()
			})
		}
	}
}

func TestAProvisionOnTwoSwitchesCancelledInAnyActivityEndsClean(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n, call := range goodProvision {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 2).twins()
			_ = w.run(Provision, w.provision("o1"), func(env *testsuite.TestWorkflowEnvironment) { // cancelled or done: accounted judges
				w.spoil = func(attempt int, _ string) harm {
					if attempt == n+1 {
						env.CancelWorkflow()
					}
					return none
				}
			})
			w.accounted()
		})
	}
}

// Of two switches one refuses, or is away: the other one's port is not left
// open.
func TestAProvisionWhoseSecondSwitchRefusesIsTakenBackOnBoth(t *testing.T) {
	t.Parallel()
	w := newPlaces(t).world(t, 1).twins()
	in := w.provision("o1")
	second := w.portsOf(string(w.m(1)))[1]
	w.air[second.Switch].refuses = map[string]string{}
	w.spoil = func(_ int, name string) harm {
		if name == "OpenPort" {
			w.air[second.Switch].refuses[second.Name] = "no room for the filter"
		}
		return none
	}
	err := w.run(Provision, in)
	require.Equal(t, activities.ConfigRefused, typeOf(err))
	require.ErrorContains(t, err, "no room for the filter")
	require.Equal(t, "failed", w.device().State)
	w.accounted()
}

func TestAProvisionWaitsForASecondSwitchThatIsAwayForAWhile(t *testing.T) {
	t.Parallel()
	w := newPlaces(t).world(t, 1).twins()
	in := w.provision("o1")
	second := w.portsOf(string(w.m(1)))[1]
	w.air[second.Switch].away = true
	require.NoError(t, w.run(Provision, in, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.air[second.Switch].away = false
		}, 2*time.Minute)
	}))
	require.Equal(t, "active", w.device().State)
	w.accounted()
}
