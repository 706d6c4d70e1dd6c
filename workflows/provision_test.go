package workflows

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

// goodProvision is what an undisturbed provision does, call by call: four
// before power-on, counting the switching off.
var goodProvision = []string{"ClaimMachine", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "CompareMachine", "OpenPort", "BootDisk", "ActivateDevice"}

func (w *world) provision(id metal.OrderID) RunInput {
	w.t.Helper()
	return w.ordered(id, metal.OrderInput{Action: metal.ActionProvision})
}

func TestProvisionMakesAnIdleMachineTheTenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	in := w.provision("o1")
	require.NoError(t, w.run(Provision, in))
	require.Equal(t, goodProvision, w.calls)
	require.Equal(t, "active", w.device().State)
	w.accounted()
}

func TestProvisionEndsCleanWhicheverStepFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for fail := range goodProvision {
		for _, how := range []harm{before, after} {
			t.Run(fmt.Sprintf("%s/%s", goodProvision[fail], how), func(t *testing.T) {
				t.Parallel()
				w := places.world(t, 4)
				w.spoil = failing(fail+1, how)
				err := w.run(Provision, w.provision("o1"))
				switch goodProvision[fail] {
				case "BootAgent", "PowerOff", "PowerOn": // the machine's fault: another takes its place
					require.NoError(t, err)
					require.Equal(t, "active", w.device().State)
				case "ActivateDevice": // the system is up: it is kept
					require.Equal(t, injectedType, typeOf(err))
					require.NotEmpty(t, w.device().Machine)
				default:
					require.Equal(t, injectedType, typeOf(err))
					require.Equal(t, "failed", w.device().State)
					require.Empty(t, w.device().Machine)
				}
				w.accounted()
			})
		}
	}
}

func TestEveryActivityOfAProvisionMayRunTwice(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, how := range []harm{lose, twice} {
		for n := range goodProvision {
			t.Run(fmt.Sprintf("%s/%s", goodProvision[n], how), func(t *testing.T) {
				t.Parallel()
				w := places.world(t, 2)
				w.spoil = failing(n+1, how)
				require.NoError(t, w.run(Provision, w.provision("o1")))
				require.Equal(t, "active", w.device().State)
				w.accounted()
			})
		}
	}
}

func TestProvisionCancelledAtAnyMomentEndsAsItBegan(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	// A provision of this world takes some five minutes; a moment every 20 s
	// meets each wait and, at the seams, each activity.
	for at := time.Duration(0); at < 6*time.Minute; at += 20 * time.Second {
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 2)
			err := w.run(Provision, w.provision("o1"), cancelAt(at))
			if err != nil {
				require.True(t, temporal.IsCanceledError(err), "%v", err)
				require.Equal(t, "failed", w.device().State)
				require.Empty(t, w.device().Machine)
			} else {
				require.Equal(t, "active", w.device().State)
			}
			w.accounted()
		})
	}
}

func TestProvisionCancelledInAnyActivityEndsAsItBegan(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n := range goodProvision {
		t.Run(goodProvision[n], func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 2)
			in := w.provision("o1")
			err := w.run(Provision, in, func(env *testsuite.TestWorkflowEnvironment) {
				w.spoil = func(call int, _ string) harm {
					if call == n+1 {
						env.CancelWorkflow()
					}
					return none
				}
			})
			if err != nil {
				require.True(t, temporal.IsCanceledError(err), "%v", err)
				require.Empty(t, w.device().Machine)
			}
			w.accounted()
		})
	}
}

func TestProvisionGivesDeadMachinesUpAndTakesAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.box(1).dead = true
	w.box(3).agentFails = "disk S3 of 480 GB: write error at block 7"
	require.NoError(t, w.run(Provision, w.provision("o1")))
	require.Equal(t, string(w.m(2)), w.device().Machine)
	require.Contains(t, w.machine(1).Reason, "no installed after 3 power cycles")
	require.Contains(t, w.machine(3).Reason, "write error at block 7")
	w.accounted()
}

func TestProvisionFailsAfterThreeDeadMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	for _, b := range w.boxes {
		b.dead = true
	}
	err := w.run(Provision, w.provision("o1"))
	require.Equal(t, MachineSilent, typeOf(err))
	require.Equal(t, "failed", w.device().State)
	require.Empty(t, w.device().Machine)
	w.accounted()
}

func TestProvisionKeepsWhatASilentSystemHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.box(1).silent, w.box(2).silent = true, true
	err := w.run(Provision, w.provision("o1"))
	require.Equal(t, SystemSilent, typeOf(err))
	require.Equal(t, "failed", w.device().State)
	require.NotEmpty(t, w.device().Machine)
	w.accounted()
}

func TestProvisionWithoutAnIdleMachineSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	err := w.run(Provision, w.provision("o1"))
	require.Equal(t, activities.NoMachine, typeOf(err))
	require.Contains(t, w.device().Reason, "none is idle")
	w.accounted()
}

func TestAStaleReportSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.box(1).dead = true
	err := w.run(Provision, w.provision("o1"), func(env *testsuite.TestWorkflowEnvironment) {
		for minute := range 10 {
			env.RegisterDelayedCallback(func() {
				env.SignalWorkflow(ReportSignal, metal.Report{Machine: w.m(1), Boot: 77, Kind: metal.PhoneHome})
			}, time.Duration(minute)*time.Minute)
		}
	})
	require.Equal(t, activities.NoMachine, typeOf(err), "the only machine is silent, and given up")
	w.accounted()
}

// A machine that was given up may be heard of again, when a report that Temporal
// did not take is sent once more; the next machine's boot may have its number.
func TestALateReportOfTheMachineGivenUpSaysNothingOfTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.box(1).dead, w.box(2).dead = true, true
	err := w.run(Provision, w.provision("o1"), func(env *testsuite.TestWorkflowEnvironment) {
		for minute := 61; minute < 120; minute++ { // m1 is given up after three times 20 minutes
			env.RegisterDelayedCallback(func() {
				for _, kind := range []metal.ReportKind{metal.AgentUp, metal.Installed, metal.PhoneHome} {
					env.SignalWorkflow(ReportSignal, metal.Report{Machine: w.m(1), Boot: 1, Kind: kind})
				}
			}, time.Duration(minute)*time.Minute)
		}
	})
	require.Equal(t, activities.NoMachine, typeOf(err), "both machines are silent, and given up")
	require.NotContains(t, w.calls, "OpenPort")
	w.accounted()
}

func TestAStuckUndoQuarantinesTheMachineAndIsNotCalledCanceled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	in := w.provision("o1")
	cancelled := false
	err := w.run(Provision, in, func(env *testsuite.TestWorkflowEnvironment) {
		w.spoil = func(_ int, name string) harm {
			switch {
			case name == "BootDisk":
				env.CancelWorkflow()
				cancelled = true
			case name == "ParkPort" && cancelled:
				return before
			}
			return none
		}
	})
	require.Equal(t, UndoFailed, typeOf(err))
	require.False(t, temporal.IsCanceledError(err))
	require.Equal(t, "quarantined", w.machine(1).State)
	require.NotNil(t, w.machine(1).Device, "its port may still route the device's addresses")
	w.accounted()
}

func TestRetryNowCutsABackOffShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	in := w.provision("o1")
	tries := 0
	w.spoil = func(_ int, name string) harm {
		if name != "PowerOff" {
			return none
		}
		tries++
		if tries <= 6 {
			return lose
		}
		return none
	}
	answer := &updateAnswer{}
	require.NoError(t, w.run(Provision, in, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.UpdateWorkflow(RetryNow, "u1", answer) }, 40*time.Second)
	}))
	require.NoError(t, answer.rejected)
	require.Equal(t, "retrying: switch off "+string(w.m(1)), answer.said)
	w.accounted()
}
