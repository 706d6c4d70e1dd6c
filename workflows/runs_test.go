package workflows

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

// subject is a run on a device that is active already.
type subject struct {
	name  string
	run   any
	order metal.OrderInput
	calls []string            // of an undisturbed run
	ends  []metal.DeviceState // in which the device may end, whatever happened
	good  metal.DeviceState   // in which it ends when nothing did
	lasts time.Duration       // longer than an undisturbed run
	begin []metal.OrderInput  // what is ordered before, besides the provision
}

var subjects = []subject{
	{
		name: "Reinstall", run: Reinstall,
		order: metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "ubuntu_24_04"},
		calls: []string{"ClaimDevice", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "OpenPort", "BootDisk", "ActivateDevice"},
		ends:  []metal.DeviceState{metal.Active, metal.Failed}, good: metal.Active, lasts: 6 * time.Minute,
	},
	{
		name: "ReinstallWithAScript", run: Reinstall,
		order: metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "custom_ipxe", ScriptURL: "http://boot.example/x.ipxe"},
		calls: []string{"ClaimDevice", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "OpenPort", "BootAgent", "PowerOff", "PowerOn", "ActivateDevice"},
		ends:  []metal.DeviceState{metal.Active, metal.Failed}, good: metal.Active, lasts: 6 * time.Minute,
	},
	{
		name: "Rescue", run: Rescue, order: metal.OrderInput{Action: metal.ActionRescue},
		calls: []string{"ClaimDevice", "OpenPort", "BootAgent", "PowerOff", "PowerOn", "SettleDevice"},
		ends:  []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed}, good: metal.Active, lasts: 4 * time.Minute,
	},
	{
		name: "RebootOutOfRescue", run: Power, order: metal.OrderInput{Action: metal.ActionReboot},
		begin: []metal.OrderInput{{Action: metal.ActionRescue}},
		calls: []string{"ClaimDevice", "PowerOff", "PowerOn", "SettleDevice"},
		ends:  []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed}, good: metal.Active, lasts: time.Second,
	},
	{
		name: "Deprovision", run: Deprovision,
		order: metal.OrderInput{Action: metal.ActionDeprovision},
		calls: []string{"ClaimDevice", "ParkPort", "BootAgent", "PowerOff", "PowerOn", "SecureBMC", "CompareMachine", "ReleaseMachine"},
		ends:  []metal.DeviceState{metal.Deleted, metal.Failed}, good: metal.Deleted, lasts: 4 * time.Minute,
	},
	{
		name: "PowerOff", run: Power, order: metal.OrderInput{Action: metal.ActionPowerOff},
		calls: []string{"ClaimDevice", "PowerOff", "SettleDevice"},
		ends:  []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed}, good: metal.Inactive, lasts: time.Second,
	},
	{
		name: "Reboot", run: Power, order: metal.OrderInput{Action: metal.ActionReboot},
		calls: []string{"ClaimDevice", "PowerOff", "PowerOn", "SettleDevice"},
		ends:  []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed}, good: metal.Active, lasts: time.Second,
	},
	{
		name: "PowerOn", run: Power, order: metal.OrderInput{Action: metal.ActionPowerOn},
		begin: []metal.OrderInput{{Action: metal.ActionPowerOff}},
		calls: []string{"ClaimDevice", "PowerOn", "SettleDevice"},
		ends:  []metal.DeviceState{metal.Active, metal.Inactive, metal.Failed}, good: metal.Active, lasts: time.Second,
	},
}

func subjectCalled(name string) subject {
	return subjects[slices.IndexFunc(subjects, func(s subject) bool { return s.name == name })]
}

// begun is a world with one active device, ordered where the subject is its
// provision, and the input of the subject's run.
func (s subject) begun(t *testing.T, places *places) (*world, RunInput) {
	t.Helper()
	w := places.world(t, 2)
	in := w.provision("first")
	if s.name == "Provision" {
		return w, in
	}
	require.NoError(t, w.run(Provision, in))
	for i, order := range s.begin {
		order.Device = in.Device
		require.NoError(t, w.run(runOf(order.Action), w.ordered(metal.OrderID(fmt.Sprintf("before-%d", i)), order)))
	}
	s.order.Device = in.Device
	return w, w.ordered("second", s.order)
}

// settled holds the end of a run to the promises; reconcile may have to take
// up what a refused claim left.
func (s subject) settled(w *world) {
	w.t.Helper()
	w.spoil = nil
	w.reconcile()
	require.Contains(w.t, s.ends, metal.DeviceState(w.device().State))
	w.accounted()
}

func TestRunsOnAnActiveDevice(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w, in := s.begun(t, places)
			held := w.addresses(in.Device)
			require.NoError(t, w.run(s.run, in))
			require.Equal(t, s.calls, w.calls)
			require.Equal(t, string(s.good), w.device().State)
			if s.good != metal.Deleted {
				require.Equal(t, held, w.addresses(in.Device), "the device keeps its addresses")
			}
			w.accounted()
		})
	}
}

func TestRunsSettleWhicheverStepFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range subjects {
		for n, call := range s.calls {
			for _, how := range []harm{before, after, lose, twice} {
				t.Run(fmt.Sprintf("%s/%s/%s", s.name, call, how), func(t *testing.T) {
					t.Parallel()
					w, in := s.begun(t, places)
					w.spoil = failing(n+1, how)
					err := w.run(s.run, in)
					if how == lose || how == twice {
						require.NoError(t, err)
						require.Equal(t, string(s.good), w.device().State)
					}
					s := s
					if s.name == "Deprovision" && call == "ClaimDevice" && how == before {
						s.ends = []metal.DeviceState{metal.Active} // it was not taken, and its order says why
					}
					s.settled(w)
				})
			}
		}
	}
}

func TestRunsCancelledAtAnyMomentSettle(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range subjects {
		for at := time.Duration(0); at <= s.lasts; at += 30 * time.Second {
			t.Run(fmt.Sprintf("%s/%s", s.name, at), func(t *testing.T) {
				t.Parallel()
				w, in := s.begun(t, places)
				err := w.run(s.run, in, cancelAt(at))
				if s.name == "Deprovision" {
					require.NoError(t, err, "a deprovision ignores cancellation")
					require.Equal(t, "deleted", w.device().State)
				}
				s.settled(w)
			})
		}
	}
}

func TestRunsCancelledInAnyActivitySettle(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range subjects {
		for n, call := range s.calls {
			t.Run(fmt.Sprintf("%s/%s", s.name, call), func(t *testing.T) {
				t.Parallel()
				w, in := s.begun(t, places)
				_ = w.run(s.run, in, func(env *testsuite.TestWorkflowEnvironment) { // cancelled or done: settled judges
					w.spoil = func(attempt int, _ string) harm {
						if attempt == n+1 {
							env.CancelWorkflow()
						}
						return none
					}
				})
				s.settled(w)
			})
		}
	}
}

// A run whose Temporal lost it after any of its calls leaves what the calls
// did. Recover must settle each such leaving.
func TestRecoverSettlesWhatALostRunLeft(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	provision := subject{name: "Provision", run: Provision, calls: goodProvision,
		ends: []metal.DeviceState{metal.Failed, metal.Active}}
	for _, s := range append([]subject{provision}, subjects...) {
		for n, call := range s.calls {
			t.Run(fmt.Sprintf("%s/%s", s.name, call), func(t *testing.T) {
				t.Parallel()
				w, in := s.begun(t, places)
				w.lose(s.run, in, n+1)
				s.settled(w)
			})
		}
	}
}

// lose runs a workflow whose history is gone after n calls: neither its next
// steps nor its undos happen.
func (w *world) lose(run any, in RunInput, n int) {
	w.spoil = func(call int, _ string) harm {
		switch {
		case call < n:
			return none
		case call == n:
			return after
		}
		return before
	}
	_ = w.run(run, in) // what it says is heard by nobody
}

func TestDeprovisionWithoutProofQuarantines(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	s := subjectCalled("Deprovision")
	for name, spoil := range map[string]func(*box){
		"the agent cannot erase":   func(b *box) { b.agentFails = "disk S3: sanitize: not supported" },
		"the machine stays silent": func(b *box) { b.dead = true },
		"the proof says nothing":   func(b *box) { b.eraseUnknown = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := s.begun(t, places)
			spoil(w.box(1))
			require.Equal(t, NotErased, typeOf(w.run(Deprovision, in)))
			require.Equal(t, "deleted", w.device().State, "the tenant does not wait for our repair")
			require.Equal(t, "quarantined", w.machine(1).State)
			require.True(t, w.machine(1).Dirty)
			w.accounted()
		})
	}
}

func TestDeprovisionOfADeviceWithoutAMachineIsShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	in := w.provision("first")
	require.Error(t, w.run(Provision, in))
	out := w.ordered("second", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})
	require.NoError(t, w.run(Deprovision, out))
	require.Equal(t, []string{"ClaimDevice", "ReleaseMachine"}, w.calls)
	require.NoError(t, w.run(Deprovision, w.ordered("third", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
	require.Equal(t, "deleted", w.device().State)
	w.accounted()
}

func TestAReinstallThatFailsKeepsMachineAndAddresses(t *testing.T) {
	t.Parallel()
	s := subjectCalled("Reinstall")
	w, in := s.begun(t, newPlaces(t))
	machine, held := w.device().Machine, w.addresses(in.Device)
	w.boxes[metal.MachineID(machine)].dead = true
	require.Equal(t, MachineSilent, typeOf(w.run(Reinstall, in)))
	require.Equal(t, "failed", w.device().State)
	require.Equal(t, machine, w.device().Machine)
	require.Equal(t, held, w.addresses(in.Device))
	w.accounted()
}

// Nothing that an earlier run left may act on the device of a later one: a
// reset replays old claims.
func TestAnEndedOrderIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w, in := s.begun(t, places)
			require.NoError(t, w.run(s.run, in))
			state, disk := w.device().State, w.box(1).disk
			err := w.run(s.run, in)
			require.Equal(t, activities.WrongState, typeOf(err))
			require.Equal(t, state, w.device().State)
			require.Equal(t, disk, w.box(1).disk)
			w.accounted()
		})
	}
}

// addresses are what a device holds, as text.
func (w *world) addresses(id metal.DeviceID) []string {
	w.t.Helper()
	leases, err := w.store.Queries().LeasesOfDevice(w.t.Context(), string(id))
	require.NoError(w.t, err)
	var all []string
	for _, l := range leases {
		all = append(all, l.Prefix.String())
	}
	return all
}
