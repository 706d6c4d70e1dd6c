package workflows

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// elastic is a world with two active devices, each behind a switch of its own,
// and a reservation of their project.
type elastic struct {
	*world
	devices     [2]metal.DeviceID
	reservation string
	whole, one  netip.Prefix
}

func (p *places) elastic(t *testing.T) *elastic {
	t.Helper()
	e := &elastic{world: p.world(t, 2)}
	for i := range e.devices {
		in := e.provision(metal.OrderID(fmt.Sprintf("o%d", i)))
		require.NoError(t, e.run(Provision, in))
		e.devices[i] = in.Device
	}
	require.NotEqual(t, e.firstPort(e.devices[0]).Switch, e.firstPort(e.devices[1]).Switch)
	e.reserve("acme", 1)
	return e
}

// reserve makes the reservation that the world's moves are about.
func (e *elastic) reserve(project metal.ProjectID, n int) {
	e.t.Helper()
	e.reservation = fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", e.n, n)
	made, err := e.store.Reserve(e.t.Context(), metal.ReservationWish{ID: metal.ReservationID(e.reservation), Project: project, Site: e.site, Family: 4, Bits: 30})
	require.NoError(e.t, err)
	e.whole, e.one = made.Prefix, netip.PrefixFrom(made.Prefix.Addr().Next(), 32)
}

func (e *elastic) firstPort(d metal.DeviceID) metal.Port {
	e.t.Helper()
	m, err := e.store.Queries().MachineOfDevice(e.t.Context(), string(d))
	require.NoError(e.t, err)
	return e.portsOf(m.ID)[0]
}

// move runs an Address for the one address.
func (e *elastic) move(to metal.DeviceID, with ...func(*testsuite.TestWorkflowEnvironment)) error {
	e.t.Helper()
	return e.runAs(AddressRun(e.reservation), Address, AddressInput{Reservation: e.reservation, Prefix: e.one, Device: to}, with...).GetWorkflowError()
}

func (e *elastic) holder() metal.DeviceID {
	e.t.Helper()
	device, err := e.store.AssignedDevice(e.t.Context(), e.reservation, e.one)
	require.NoError(e.t, err)
	return device
}

// agreed holds that the switches carry what the database says, as of the last
// intent, and that the holder's port alone routes the address.
func (e *elastic) agreed() {
	e.t.Helper()
	holder := e.holder()
	for _, d := range e.devices {
		m, err := e.store.Queries().MachineOfDevice(e.t.Context(), string(d))
		require.NoError(e.t, err)
		for i, p := range e.portsOf(m.ID) {
			has := e.ports[p]
			require.Equal(e.t, d == holder && i == 0 && has.Profile == metal.Tenant, slices.Contains(has.Routed, e.one),
				"%s has it, and port %s of %s routes %v", holder, p, d, has.Routed)
			intents, err := e.store.PortIntents(e.t.Context(), p.Switch, []string{p.Name})
			require.NoError(e.t, err)
			require.True(e.t, same(has, intents[0]), "port %s has %v, should have %v", p, has, intents[0])
			outcomes, err := e.store.PortOutcomes(e.t.Context(), p.Switch, []string{p.Name})
			require.NoError(e.t, err)
			require.Equal(e.t, intents[0].Generation, outcomes[p.Name].Applied, "port %s waits for a commit, and no run does", p)
		}
	}
	e.accounted()
}

// passage is one move of the address.
type passage struct {
	name     string
	from, to int // a device's number; nobody's is -1
}

var passages = []passage{{"assign", -1, 0}, {"move", 0, 1}, {"unassign", 0, -1}}

var goodAddress = []string{"ReadAddress", "AssignAddress", "BringPorts"}

func (e *elastic) number(i int) metal.DeviceID {
	if i < 0 {
		return ""
	}
	return e.devices[i]
}

// begun is a world in which the passage can begin.
func (p passage) begun(t *testing.T, places *places) (e *elastic, from, to metal.DeviceID) {
	t.Helper()
	e = places.elastic(t)
	if p.from >= 0 {
		require.NoError(t, e.move(e.number(p.from)))
	}
	return e, e.number(p.from), e.number(p.to)
}

func TestAnAddressIsAssignedMovedAndUnassigned(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, p := range passages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			e, from, to := p.begun(t, places)
			env := e.runAs(AddressRun(e.reservation), Address, AddressInput{Reservation: e.reservation, Prefix: e.one, Device: to})
			require.NoError(t, env.GetWorkflowError())
			var result AddressResult
			require.NoError(t, env.GetWorkflowResult(&result))
			require.Equal(t, AddressResult{From: from, To: to}, result)
			require.Equal(t, goodAddress, e.calls)
			require.Equal(t, to, e.holder())
			e.agreed()
			require.NoError(t, e.move(to), "it is so already")
			e.agreed()
		})
	}
}

func TestAMoveEndsHereOrThereWhicheverStepFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, p := range passages {
		for n, call := range goodAddress {
			for _, how := range []harm{before, after, lose, twice} {
				t.Run(fmt.Sprintf("%s/%s/%s", p.name, call, how), func(t *testing.T) {
					t.Parallel()
					e, from, to := p.begun(t, places)
					e.spoil = failing(n+1, how)
					err := e.move(to)
					e.spoil = nil
					if how == lose || how == twice {
						require.NoError(t, err)
						require.Equal(t, to, e.holder())
					} else {
						require.Equal(t, injectedType, typeOf(err))
						require.Equal(t, from, e.holder())
					}
					e.agreed()
				})
			}
		}
	}
}

func TestAMoveCancelledInAnyActivityEndsHereOrThere(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, p := range passages {
		for n, call := range goodAddress {
			t.Run(fmt.Sprintf("%s/%s", p.name, call), func(t *testing.T) {
				t.Parallel()
				e, from, to := p.begun(t, places)
				err := e.move(to, func(env *testsuite.TestWorkflowEnvironment) {
					e.spoil = func(attempt int, _ string) harm {
						if attempt == n+1 {
							env.CancelWorkflow()
						}
						return none
					}
				})
				if err == nil {
					require.Equal(t, to, e.holder())
				} else {
					require.True(t, temporal.IsCanceledError(err), "%v", err)
					require.Equal(t, from, e.holder())
				}
				e.agreed()
			})
		}
	}
}

func TestAMoveThatItsSwitchRefusesEndsWhereItWas(t *testing.T) {
	t.Parallel()
	e, from, to := passages[1].begun(t, newPlaces(t))
	port := e.firstPort(to)
	e.air[port.Switch].refuses = map[string]string{port.Name: "no room for another route"}
	err := e.move(to)
	require.Equal(t, activities.ConfigRefused, typeOf(err))
	require.ErrorContains(t, err, "no room for another route")
	require.Equal(t, from, e.holder())
	e.agreed()
	require.NoError(t, e.move(""))
	e.agreed()
}

// Whom it was taken from has failed meanwhile: nobody has it, rather than
// whoever it was not wanted at.
func TestAnAddressIsNotGivenBackToADeviceThatHasFailed(t *testing.T) {
	t.Parallel()
	e, from, to := passages[1].begun(t, newPlaces(t))
	require.NoError(t, e.store.Queries().SetDeviceState(t.Context(), query.SetDeviceStateParams{ID: string(from), State: "failed"}))
	port := e.firstPort(to)
	e.air[port.Switch].refuses = map[string]string{port.Name: "no room"}
	require.Equal(t, activities.ConfigRefused, typeOf(e.move(to)))
	require.Empty(t, e.holder())
	require.NotContains(t, e.ports[e.firstPort(from)].Routed, e.one)
	require.NotContains(t, e.ports[port].Routed, e.one)
}

func TestAMoveThatIsNotAllowedFailsAtOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	e.reserve("rival", 2)
	var began, last time.Time
	err := e.move(e.devices[0], func(env *testsuite.TestWorkflowEnvironment) {
		began = env.Now()
		e.spoil = func(int, string) harm { last = env.Now(); return none }
	})
	require.Equal(t, activities.NotAllowed, typeOf(err))
	require.Less(t, last.Sub(began), time.Minute, "what no retry can mend is not tried for ten minutes")
	e.spoil = nil
	require.Empty(t, e.holder())
	e.agreed()
}

func TestAMoveWhoseSwitchesAreAwayForADayIsStuckAndSaysSo(t *testing.T) {
	t.Parallel()
	e, _, to := passages[1].begun(t, newPlaces(t))
	for _, a := range e.air {
		a.away = true
	}
	err := e.move(to)
	require.Equal(t, UndoFailed, typeOf(err))
	require.ErrorContains(t, err, e.one.String())
	require.ErrorContains(t, err, "is away")
	for _, a := range e.air {
		a.away = false
	}
	require.NoError(t, e.move(to), "once they are back, it can be moved")
	e.agreed()
}

func TestADeviceThatIsBeingReinstalledGetsItsAddressWhenItsPortOpens(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	in := e.ordered("again", metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "ubuntu_24_04", Device: e.devices[0]})
	e.lose(Reinstall, in, 2) // the port is parked, and Temporal has lost the run
	e.spoil = nil
	port := e.firstPort(e.devices[0])
	require.Equal(t, metal.Parked, e.ports[port].Profile)

	require.NoError(t, e.move(e.devices[0]))
	require.Equal(t, []string{"ReadAddress", "AssignAddress"}, e.calls, "there is no port to be brought")
	require.Equal(t, e.devices[0], e.holder())
	require.Empty(t, e.ports[port].Routed, "a parked port reaches the boot services and nothing else")
	require.NoError(t, e.run(Reinstall, in))
	e.agreed()

	again := e.ordered("once-more", metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "debian_12", Device: e.devices[0]})
	e.lose(Reinstall, again, 2)
	e.spoil = nil
	require.NoError(t, e.move(e.devices[1]), "that is when it is needed")
	require.Contains(t, e.ports[e.firstPort(e.devices[1])].Routed, e.one)
	require.NoError(t, e.run(Reinstall, again))
	e.agreed()
}

func TestADeviceThatGoesLeavesItsAddressToItsProject(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	require.NoError(t, e.move(e.devices[0]))
	require.NoError(t, e.run(Deprovision, e.ordered("out", metal.OrderInput{Action: metal.ActionDeprovision, Device: e.devices[0]})))
	require.Empty(t, e.holder())
	require.Equal(t, activities.WrongState, typeOf(e.move(e.devices[0])), "it is deleted")
	require.NoError(t, e.move(e.devices[1]))
	e.devices[0] = e.devices[1]
	e.agreed()
}
