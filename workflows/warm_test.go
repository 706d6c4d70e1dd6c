package workflows

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// goodWarm is what an undisturbed Warm does, call by call.
var goodWarm = []string{"ClaimSpare", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "ReturnSpare"}

func (w *world) warm(i int) error {
	return w.runAs(MachineRun(w.m(i)), Warm, MachineInput{Machine: w.m(i), Site: w.site}).GetWorkflowError()
}

func TestAnOrderFindsAWarmMachineWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	require.NoError(t, w.warm(2))
	require.Equal(t, goodWarm, w.calls)
	require.True(t, w.box(2).warm)
	w.accounted()
	life := w.box(2).life
	require.NoError(t, w.run(Provision, w.provision("o1")))
	require.Equal(t, []string{"ClaimMachine", "ParkPort", "BootAgent", "CompareMachine", "OpenPort", "BootDisk", "ActivateDevice"}, w.calls, "no power is touched")
	require.Equal(t, string(w.m(2)), w.device().Machine)
	require.Equal(t, life, w.box(2).life, "it was switched on before the order, and not since")
	w.accounted()
}

func TestAWarmMachineWhoseAgentDiedIsBootedLikeAnyOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	require.NoError(t, w.warm(1))
	w.box(1).warm = false // it hangs, and nobody knows yet
	require.NoError(t, w.run(Provision, w.provision("o1")))
	require.Equal(t, "active", w.device().State)
	require.Equal(t, string(w.m(1)), w.device().Machine)
	w.accounted()
}

func TestAfterATenantAMachineIsColdUntilItWasPoweredOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	require.NoError(t, w.warm(1))
	in := w.provision("o1")
	require.NoError(t, w.run(Provision, in))
	require.NoError(t, w.run(Deprovision, w.ordered("o2", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
	require.False(t, w.box(1).on)
	require.Equal(t, "none", w.intent(1).Job)
	w.accounted()
}

func (w *world) intent(i int) (intent struct{ Job, Run string }) {
	w.t.Helper()
	row, err := w.store.Queries().GetBootIntent(w.t.Context(), string(w.m(i)))
	require.NoError(w.t, err)
	intent.Job, intent.Run = row.Job, row.Run
	return intent
}

func TestAMachineThatDoesNotComeUpToWaitGoesToQuarantine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.box(1).dead = true
	require.Equal(t, MachineSilent, typeOf(w.warm(1)))
	require.Equal(t, string(metal.Quarantined), w.machine(1).State)
	require.False(t, w.box(1).on)
	w.accounted()
}

func TestWarmLeavesNothingInBetweenWhateverFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n, call := range goodWarm {
		for _, how := range []harm{before, after, lose, twice} {
			t.Run(fmt.Sprintf("%s/%s", call, how), func(t *testing.T) {
				t.Parallel()
				w := places.world(t, 1)
				w.spoil = failing(n+1, how)
				err := w.warm(1)
				if how == lose || how == twice {
					require.NoError(t, err)
					require.True(t, w.box(1).warm)
				}
				w.spoil = nil
				w.reconcile()
				w.accounted()
			})
		}
	}
}

func TestWarmCancelledAtAnyMomentLeavesTheMachineOffOrWaiting(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for at := time.Duration(0); at <= 2*time.Minute; at += 10 * time.Second {
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 1)
			_ = w.runAs(MachineRun(w.m(1)), Warm, MachineInput{Machine: w.m(1), Site: w.site}, cancelAt(at)).GetWorkflowError()
			w.reconcile()
			require.Equal(t, string(metal.Idle), w.machine(1).State)
			w.accounted()
		})
	}
}

func TestAMachineThatAnOrderTookIsNotWarmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	require.NoError(t, w.run(Provision, w.provision("o1")))
	require.NoError(t, w.warm(1))
	require.Equal(t, []string{"ClaimSpare"}, w.calls)
	w.accounted()
}
