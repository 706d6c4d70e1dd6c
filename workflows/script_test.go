package workflows

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// goodScript is what a provision with the tenant's own script does, on a machine
// that was never proven to be erased.
var goodScript = []string{"ClaimMachine", "ParkPort", "ParkPort", "BootAgent", "PowerOff", "PowerOn",
	"OpenPort", "BootAgent", "PowerOff", "PowerOn", "ActivateDevice"}

func (w *world) scripted(id metal.OrderID, always bool) RunInput {
	w.t.Helper()
	return w.ordered(id, metal.OrderInput{Action: metal.ActionProvision, OperatingSystem: "custom_ipxe",
		ScriptURL: "http://boot.example/x.ipxe", AlwaysPXE: always})
}

func TestADeviceWithItsOwnScriptIsActiveOnceTheScriptIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	in := w.scripted("o1", false)
	require.NoError(t, w.run(Provision, in))
	require.Equal(t, goodScript, w.calls)
	require.Equal(t, 1, w.box(1).scripts)
	require.Equal(t, "none", w.intent(1).Job, "the script once, then the disk")
	w.accounted()
	require.NoError(t, w.run(Deprovision, w.ordered("o2", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
	require.Empty(t, w.box(1).disk, "what the script wrote is erased")
	w.accounted()
}

func TestAlwaysPXEServesTheScriptAtEachBoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	in := w.scripted("o1", true)
	require.NoError(t, w.run(Provision, in))
	require.Equal(t, "ipxe", w.intent(1).Job)
	require.NoError(t, w.run(Power, w.ordered("o2", metal.OrderInput{Action: metal.ActionReboot, Device: in.Device})))
	w.bootNetwork(w.m(1), w.box(1)) // the boot that the reboot asked for
	require.Equal(t, 2, w.box(1).scripts)
	w.accounted()
}

func TestAProvisionWithAScriptEndsCleanWhicheverStepFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n, call := range goodScript {
		for _, how := range []harm{before, after, lose, twice} {
			t.Run(fmt.Sprintf("%d %s/%s", n, call, how), func(t *testing.T) {
				t.Parallel()
				w := places.world(t, 4)
				w.spoil = failing(n+1, how)
				err := w.run(Provision, w.scripted("o1", false))
				if how == lose || how == twice {
					require.NoError(t, err)
				}
				w.spoil = nil
				w.reconcile()
				w.accounted()
			})
		}
	}
}

func TestAProvisionWithAScriptCancelledAtAnyMomentEndsClean(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for at := time.Duration(0); at <= 6*time.Minute; at += 20 * time.Second {
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 2)
			_ = w.run(Provision, w.scripted("o1", false), cancelAt(at))
			w.reconcile()
			w.accounted()
		})
	}
}
