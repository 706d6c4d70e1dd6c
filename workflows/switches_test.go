package workflows

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// drifted is a world in which somebody has changed the port of an active device
// by hand.
func (p *places) drifted(t *testing.T) (*world, metal.Port) {
	t.Helper()
	w := p.world(t, 2)
	in := w.provision("o1")
	require.NoError(t, w.run(Provision, in))
	port := w.portsOf(w.device().Machine)[0]
	w.meddle(port)
	w.settle(port.Switch)
	return w, port
}

// meddle takes a tenant's links from a port, as a person at the switch would.
func (w *world) meddle(port metal.Port) {
	w.mu.Lock()
	defer w.mu.Unlock()
	has := w.ports[port]
	has.Links = nil
	w.ports[port] = has
}

// settle has a switch commit all that is pending there.
func (w *world) settle(id metal.SwitchID) {
	w.t.Helper()
	sw, err := w.store.Switch(w.t.Context(), id)
	require.NoError(w.t, err)
	change, err := w.store.PendingPorts(w.t.Context(), id)
	require.NoError(w.t, err)
	done, err := fabric{w}.Apply(w.t.Context(), sw, func(context.Context) (metal.Change, error) { return change, nil })
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.PortsCommitted(w.t.Context(), id, change, done))
}

func (w *world) check(id metal.SwitchID, repair bool) (result SwitchResult, err error) {
	w.t.Helper()
	env := w.runAs(SwitchRun(id), CheckSwitch, SwitchInput{Switch: id, Site: w.site, Repair: repair})
	if err = env.GetWorkflowError(); err == nil {
		require.NoError(w.t, env.GetWorkflowResult(&result))
	}
	return result, err
}

func (w *world) driftsOf(id metal.SwitchID) []query.ListDriftsRow {
	w.t.Helper()
	all, err := w.store.Queries().ListDrifts(w.t.Context(), string(id))
	require.NoError(w.t, err)
	return all
}

func TestACheckReportsDriftAndLeavesIt(t *testing.T) {
	t.Parallel()
	w, port := newPlaces(t).drifted(t)
	commits := w.air[port.Switch].commits
	found, err := w.check(port.Switch, false)
	require.NoError(t, err)
	require.Equal(t, SwitchResult{Drifts: []metal.Port{port}}, found)
	require.Equal(t, []string{"CheckSwitch"}, w.calls)
	require.Len(t, w.driftsOf(port.Switch), 1)
	require.Equal(t, commits, w.air[port.Switch].commits)
	require.Empty(t, w.ports[port].Links, "it is only reported")
}

func TestACheckThatMayRepairDoesAndLooksAgain(t *testing.T) {
	t.Parallel()
	w, port := newPlaces(t).drifted(t)
	found, err := w.check(port.Switch, true)
	require.NoError(t, err)
	require.Equal(t, SwitchResult{Drifts: []metal.Port{port}, Repaired: true}, found)
	require.Equal(t, []string{"CheckSwitch", "RepairSwitch", "CheckSwitch"}, w.calls)
	require.Empty(t, w.driftsOf(port.Switch))
	w.accounted()
	found, err = w.check(port.Switch, true)
	require.NoError(t, err)
	require.Equal(t, SwitchResult{}, found)
	require.Equal(t, []string{"CheckSwitch"}, w.calls, "nothing to repair")
}

func TestACheckMayFailOrRunTwiceAtAnyStep(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n, call := range []string{"CheckSwitch", "RepairSwitch", "CheckSwitch"} {
		for _, how := range []harm{before, after, lose, twice} {
			t.Run(fmt.Sprintf("%d %s/%s", n+1, call, how), func(t *testing.T) {
				t.Parallel()
				w, port := places.drifted(t)
				w.spoil = failing(n+1, how)
				_, err := w.check(port.Switch, true)
				w.spoil = nil
				if how == lose || how == twice {
					require.NoError(t, err)
				} else {
					require.Equal(t, injectedType, typeOf(err))
				}
				_, err = w.check(port.Switch, true)
				require.NoError(t, err)
				require.Empty(t, w.driftsOf(port.Switch))
				w.accounted()
			})
		}
	}
}

// A port that a commit is on its way to, and one that its switch has refused,
// are known otherwise: they are no drift, and a repair would not help.
func TestWhatIsOnItsWayOrRefusedIsNoDrift(t *testing.T) {
	t.Parallel()
	w, port := newPlaces(t).drifted(t)
	_, err := w.store.RepairPorts(t.Context(), port.Switch, []metal.Port{port})
	require.NoError(t, err)
	found, err := w.check(port.Switch, true)
	require.NoError(t, err)
	require.Empty(t, found.Drifts)
	w.air[port.Switch].refuses = map[string]string{port.Name: "no room"}
	w.settle(port.Switch)
	found, err = w.check(port.Switch, true)
	require.NoError(t, err)
	require.Empty(t, found.Drifts)
	require.Equal(t, []string{"CheckSwitch"}, w.calls)
}

func TestARepairThatTheSwitchRefusesFailsInItsWords(t *testing.T) {
	t.Parallel()
	w, port := newPlaces(t).drifted(t)
	w.air[port.Switch].refuses = map[string]string{port.Name: "no room for the filter"}
	_, err := w.check(port.Switch, true)
	require.ErrorContains(t, err, "no room for the filter")
	require.Len(t, w.driftsOf(port.Switch), 1, "it stays reported")
}

func TestACheckNamesMachinesOnWrongPortsAndHowSessionsStand(t *testing.T) {
	t.Parallel()
	w := newPlaces(t).world(t, 3) // m1 and m3 on one switch
	one, three := w.portsOf(string(w.m(1)))[0], w.portsOf(string(w.m(3)))[0]
	mac := fmt.Sprintf("02:00:00:%02x:%02x:00", w.n/256, w.n%256)
	w.air[one.Switch].neighbors = []metal.Neighbor{{Port: three, MAC: mac}, {Port: one, MAC: "02:ff:ff:ff:ff:ff"}}
	w.settle(one.Switch)
	found, err := w.check(one.Switch, false)
	require.NoError(t, err)
	require.Equal(t, SwitchResult{Miscablings: 1}, found, "a stranger is nobody's mistake")
	all, err := w.store.Queries().ListMiscablings(t.Context(), string(one.Switch))
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, []string{string(w.m(1)), three.Name, one.String()}, []string{all[0].Machine, all[0].Port, all[0].Declared})
}

func TestACheckOfASwitchThatIsAwayGivesUp(t *testing.T) {
	t.Parallel()
	w, port := newPlaces(t).drifted(t)
	w.air[port.Switch].away = true
	_, err := w.check(port.Switch, true)
	require.ErrorContains(t, err, "is away")
	require.NotEqual(t, UndoFailed, typeOf(err))
}

func TestAPlanIsSavedAndTouchesNothing(t *testing.T) {
	t.Parallel()
	w, port := newPlaces(t).drifted(t)
	commits := w.air[port.Switch].commits
	env := w.runAs(PlanRun(port.Switch), PlanSwitch, SwitchInput{Switch: port.Switch, Site: w.site})
	require.NoError(t, env.GetWorkflowError())
	var name string
	require.NoError(t, env.GetWorkflowResult(&name))
	answer, err := w.store.Queries().Answer(t.Context(), name)
	require.NoError(t, err)
	require.Contains(t, answer.Body, port.Name)
	require.Equal(t, commits, w.air[port.Switch].commits)
	require.Empty(t, w.ports[port].Links)
	require.Empty(t, w.driftsOf(port.Switch), "a plan is no check")
}

// twoPasses is the schedule that starts CheckSwitches, and again a while later.
func twoPasses(ctx workflow.Context, pause time.Duration) (started []int, err error) {
	for range 2 {
		var n int
		if err := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{TaskQueue: ControlQueue}),
			CheckSwitches).Get(ctx, &n); err != nil {
			return nil, err
		}
		started = append(started, n)
		if err := workflow.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
	return started, workflow.Sleep(ctx, time.Hour) // the checks have ended by then
}

func TestEachSwitchHasOneCheckAndOneThatIsOpenIsLeftOut(t *testing.T) {
	t.Parallel()
	for pause, second := range map[time.Duration]int{time.Minute: 1, 40 * time.Minute: 2} {
		w := newPlaces(t).world(t, 2)
		w.settle(w.tor("r2"))
		w.air[w.tor("r1")].away = true // its check tries for half an hour
		env := w.runAs("passes", twoPasses, pause, func(env *testsuite.TestWorkflowEnvironment) { env.RegisterWorkflow(twoPasses) })
		require.NoError(t, env.GetWorkflowError())
		var started []int
		require.NoError(t, env.GetWorkflowResult(&started))
		require.Equal(t, []int{2, second}, started, "a pass %s after another", pause)
	}
}

func TestTheScheduledCheckRepairsWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	for _, repair := range []bool{false, true} {
		w, port := newPlaces(t).drifted(t)
		_, err := w.store.Queries().SetRepair(t.Context(), query.SetRepairParams{ID: string(port.Switch), Repair: repair})
		require.NoError(t, err)
		env := w.runAs("passes", twoPasses, time.Minute, func(env *testsuite.TestWorkflowEnvironment) { env.RegisterWorkflow(twoPasses) })
		require.NoError(t, env.GetWorkflowError())
		require.Equal(t, repair, len(w.ports[port].Links) == 3)
		require.Equal(t, repair, len(w.driftsOf(port.Switch)) == 0)
	}
}

// What an import, or a reservation that ended, changes of a port has no run that
// waits for it.
func TestACheckBringsWhatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	in := w.provision("o1")
	require.NoError(t, w.run(Provision, in))
	port := w.portsOf(w.device().Machine)[0]
	_, err := w.store.Queries().BumpPorts(t.Context(), query.BumpPortsParams{Devices: []string{string(in.Device)}, Reason: "nobody waits"})
	require.NoError(t, err)
	pending := func() int {
		change, err := w.store.PendingPorts(t.Context(), port.Switch)
		require.NoError(t, err)
		return len(change.Ports)
	}
	require.NotZero(t, pending())
	found, err := w.check(port.Switch, false)
	require.NoError(t, err)
	require.Empty(t, found.Drifts)
	require.Zero(t, pending())
	w.accounted()
}
