//go:build !race

package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"millwright/activities"
	"millwright/internal/metal"
)

// What simulations found, each made as small as it gets. The seeds are those that
// found it; what a seed tells changes with the plot.

// Seeds 8, 25 and 34: a reboot that was refused, because a lost provision had left
// the device in between, took the device all the same and made it active.
func TestARunThatIsRefusedLeavesAloneWhatALostRunLeft(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, order := range []metal.OrderInput{
		{Action: metal.ActionReboot}, {Action: metal.ActionRescue}, {Action: metal.ActionReinstall, OperatingSystem: "debian_12"},
	} {
		t.Run(string(order.Action), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 1)
			in := w.provision("first")
			w.lose(Provision, in, 6)
			w.spoil, order.Device = nil, in.Device
			require.Equal(t, activities.WrongState, typeOf(w.run(runOf(order.Action), w.ordered("second", order))))
			require.Equal(t, "provisioning", w.device().State)
			w.reconcile()
			require.Equal(t, "failed", w.device().State)
			w.accounted()
		})
	}
}

// Seed 8, too: the order of a lost run had no outcome for ever where the next run
// on the device came before reconcile.
func TestAnOrderWhoseRunWasLostIsEndedByTheNextRun(t *testing.T) {
	t.Parallel()
	s := subjectCalled("Reboot")
	w, in := s.begun(t, newPlaces(t))
	w.lose(Power, in, 2)
	w.spoil = nil
	require.NoError(t, w.run(Power, w.ordered("third", metal.OrderInput{Action: metal.ActionReboot, Device: in.Device})))
	w.accounted()
}

// Seed 46: an OpenPort that froze, and that its run had given up on, came in after
// the port was parked again, and the machine went to the pool with it open.
func TestALateAttemptDoesNotDecideWhatAPortIsInTheEnd(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for call, last := range map[string]metal.Profile{"ReleaseMachine": metal.Parked, "ActivateDevice": metal.Tenant} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 1)
			in := w.provision("first")
			late := map[metal.Profile]metal.Profile{metal.Parked: metal.Tenant, metal.Tenant: metal.Parked}[last]
			w.spoil = func(_ int, name string) harm {
				if name == "OpenPort" && last == metal.Parked {
					return after // so that the run turns back
				}
				if name == call {
					_, err := w.store.SetPorts(t.Context(), metal.Claim{Device: in.Device, Machine: w.m(1), Epoch: w.machine(1).Epoch}, late)
					require.NoError(t, err)
				}
				return none
			}
			_ = w.run(Provision, in) // which end it has is not what this is about
			port := w.portsOf(string(w.m(1)))[0]
			intents, err := w.store.PortIntents(t.Context(), port.Switch, []string{port.Name})
			require.NoError(t, err)
			require.Equal(t, last, intents[0].Profile)
		})
	}
}

// Seed 135: a BootAgent of the install came in after the one of the erasure, and
// its run waited for a boot that was no more.
func TestALateBootIntentChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	in := w.provision("first")
	w.lose(Provision, in, 2)
	claim := metal.Claim{Device: in.Device, Machine: w.m(1), Epoch: w.machine(1).Epoch}
	intend := func(attempt int, job metal.Job) metal.BootNumber {
		booting, err := w.store.BootAgent(t.Context(), metal.NextBoot{Claim: claim, Run: DeviceRun(in.Device), Attempt: attempt, Job: job})
		require.NoError(t, err)
		return booting.Number
	}
	number := intend(2, metal.JobErase)
	require.Equal(t, number, intend(1, metal.JobInstall))
	require.Equal(t, string(metal.JobErase), w.intent(1).Job)
}

// Seed 146: the machine went on with the boot of a script that a reinstall had
// taken the place of.
func TestAReinstallAwayFromAScriptBootsTheDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	in := w.scripted("first", true)
	require.NoError(t, w.run(Provision, in))
	require.NoError(t, w.run(Reinstall, w.ordered("second", metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "debian_12", Device: in.Device})))
	require.Equal(t, "none", w.intent(1).Job)
	w.accounted()
	require.NoError(t, w.run(Reinstall, w.ordered("third", metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "custom_ipxe",
		ScriptURL: "http://boot.example/x.ipxe", Device: in.Device})))
	require.Equal(t, "ipxe", w.intent(1).Job, "each time again, as it was ordered")
	w.accounted()
}

// Seed 361: who ordered the end of a device that was gone already never heard of it.
func TestADeprovisionThatCannotTakeItsDeviceEndsItsOrder(t *testing.T) {
	t.Parallel()
	s := subjectCalled("Deprovision")
	w, in := s.begun(t, newPlaces(t))
	again := w.ordered("third", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})
	require.NoError(t, w.run(Deprovision, in))
	w.spoil = failing(1, after)
	require.Equal(t, injectedType, typeOf(w.run(Deprovision, again)))
	w.accounted()
}

// Seed 66: an attempt was hurried while it was under way, and failed by itself:
// Temporal tries no such attempt again, and the run took it for the end of its
// patience.
func TestAnAttemptThatFailsWhileItIsHurriedIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t, newPlaces(t), 1)
	s.mood.scenes, s.mood.fates = 0, map[fate]float64{lags: 1}
	s.script = func(ctx workflow.Context) error {
		s.order(ctx, metal.OrderInput{Action: metal.ActionProvision, Project: "acme", Site: s.site, Plan: testPlan, OperatingSystem: "debian_12"})
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		s.without(theDatabase, 5*time.Minute, nothing, nothing)
		for range 40 {
			if err := workflow.Sleep(ctx, 7*time.Second); err != nil {
				return err
			}
			s.hurrySome()
		}
		return nil
	}
	s.run(t)
	require.Equal(t, "active", s.device().State)
}

// A seed tells the same story again, or nobody could look into one.
func TestASeedTellsTheSameStoryAgain(t *testing.T) {
	t.Parallel()
	var told [2][]string
	for i := range told {
		s := newStory(t, newPlaces(t), 7)
		s.run(t)
		told[i] = s.told
	}
	require.Equal(t, told[0], told[1])
}
