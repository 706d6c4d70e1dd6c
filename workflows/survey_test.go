package workflows

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

// Carried is what a switch has on each port, by whoever's intent.
func (s fabric) Carried(_ context.Context, sw metal.Switch) ([]metal.Carried, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.air[sw.ID].away {
		return nil, errors.New("switch " + string(sw.ID) + " is away")
	}
	var all []metal.Carried
	for port, p := range s.ports {
		if port.Switch != sw.ID {
			continue
		}
		use := string(p.Profile)
		if p.Device != "" {
			use = string(p.Device)
		}
		c := metal.Carried{Port: port, Words: "millwright " + string(p.Machine) + " " + use, Prefixes: append([]netip.Prefix{p.Install.Prefix}, p.Routed...)}
		for _, l := range p.Links {
			c.Prefixes = append(c.Prefixes, l.Prefix)
		}
		all = append(all, c)
	}
	return all, nil
}

// surveying registers what looks at a site after a restore.
func (w *world) surveying(env registry) {
	env.RegisterActivity(&activities.Survey{Store: w.store, Switches: fabric{w}, BMC: bmc{w}})
	env.RegisterActivity(&activities.Doubts{Store: w.store, Patience: time.Nanosecond})
}

// noted is the command that an operator runs on a restored database.
func (w *world) noted() {
	w.t.Helper()
	_, err := w.store.NoteRestore(w.t.Context(), time.Time{}, "the test")
	require.NoError(w.t, err)
}

// surveyed looks at the site as a Survey would, while another run is under way.
func (w *world) surveyed() {
	w.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	env := suite.NewTestActivityEnvironment()
	w.surveying(env)
	_, err := env.ExecuteActivity("SurveySite", activities.SurveySiteInput{Site: w.site})
	require.NoError(w.t, err)
	_, err = env.ExecuteActivity("JudgeSite", activities.JudgeSiteInput{Site: w.site})
	require.NoError(w.t, err)
}

func (w *world) calledOut() (all []metal.Called) {
	w.t.Helper()
	r, err := w.store.Restored(w.t.Context())
	require.NoError(w.t, err)
	called, err := w.store.SurveyCalls(w.t.Context(), r.ID)
	require.NoError(w.t, err)
	for _, c := range called {
		if c.Kind != metal.GoesOn {
			all = append(all, c)
		}
	}
	return all
}

const stranger metal.DeviceID = "99999999-9999-4999-8999-999999999999"

// givenAway is what the site came to after the backup: somebody else has the
// machine.
func (w *world) givenAway(i int) metal.PortIntent {
	w.mu.Lock()
	defer w.mu.Unlock()
	box := w.box(i)
	box.life++ // what was under way on it at the backup has ended
	box.on, box.disk, box.waiting = true, stranger, false
	for port, p := range w.ports {
		if p.Machine == w.m(i) {
			p.Profile, p.Device = metal.Tenant, stranger
			p.Links = []metal.Link{{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{20 + byte(w.n/256), byte(w.n), 0, 60}), 31), Role: metal.Public}}
			w.ports[port] = p
			return p
		}
	}
	return metal.PortIntent{}
}

func TestADeprovisionThatWasOpenAtTheBackupErasesNobodyElse(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{0, 30 * time.Second, 90 * time.Second} { // before its claim, in POST, and while it erases
		w := newWorld(t, 1)
		in := w.provision("o")
		require.NoError(t, w.run(Provision, in))
		end := w.ordered("o-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})
		var theirs metal.PortIntent
		restore := func() { theirs = w.givenAway(1); w.noted() }
		if at == 0 {
			restore()
		}
		err := w.run(Deprovision, end, func(env *testsuite.TestWorkflowEnvironment) {
			if at > 0 {
				env.RegisterDelayedCallback(restore, at)
			}
			env.RegisterDelayedCallback(w.surveyed, at+20*time.Second)
		})
		if at > 0 {
			require.Contains(t, []string{UndoFailed, NotErased}, typeOf(err), "its claim is stale")
			require.NoError(t, w.run(Recover, RunInput{Device: in.Device, Site: w.site}), "as reconcile starts it")
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, stranger, w.box(1).disk)
		require.True(t, w.box(1).on)
		require.Equal(t, theirs, w.ports[theirs.Port], "their port is theirs")
		require.Equal(t, string(metal.Deleted), w.device().State)
		require.Equal(t, string(metal.Quarantined), w.machine(1).State)
		kinds := []metal.CallKind{}
		for _, c := range w.calledOut() {
			kinds = append(kinds, c.Kind)
		}
		require.ElementsMatch(t, []metal.CallKind{metal.AddressHeld, metal.DeviceGone, metal.MachineAside}, kinds)
	}
}

func TestAProvisionThatIsInDoubtWaitsAndGoesOn(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{0, 30 * time.Second, 90 * time.Second} {
		w := newWorld(t, 2)
		in := w.provision("o")
		w.parkedAll()
		if at == 0 {
			w.noted()
		}
		require.NoError(t, w.run(Provision, in, func(env *testsuite.TestWorkflowEnvironment) {
			if at > 0 {
				env.RegisterDelayedCallback(w.noted, at)
			}
			env.RegisterDelayedCallback(w.surveyed, at+20*time.Second)
		}))
		require.Empty(t, w.calledOut())
		require.Equal(t, string(metal.Active), w.device().State)
		w.accounted()
	}
}

// parkedAll has every switch carry what is intended from the start.
func (w *world) parkedAll() {
	w.t.Helper()
	for id := range w.air {
		intents, err := w.store.PortIntents(w.t.Context(), id, nil)
		require.NoError(w.t, err)
		for _, p := range intents {
			w.ports[p.Port] = p
		}
	}
}

// Reconcile begins a look at each site that is in doubt, and again while a switch
// is away.
func TestReconcileSurveysWhileAnythingIsInDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.noted()
	w.air[w.tor("r1")].away = true
	surveys := func() int {
		env := w.runAs("reconcile", Reconcile, nil, func(env *testsuite.TestWorkflowEnvironment) {
			w.surveying(env)
			env.RegisterActivity(&activities.Names{Store: w.store})
			env.RegisterActivity(&activities.Webhooks{Store: w.store, Runs: closedRuns{}})
		})
		require.NoError(t, env.GetWorkflowError())
		var result ReconcileResult
		require.NoError(t, env.GetWorkflowResult(&result))
		return result.Surveys
	}
	require.Equal(t, 1, surveys())
	left, err := w.store.StillDoubted(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 2, "the switch that is away, and its machine")
	w.air[w.tor("r1")].away = false
	require.Equal(t, 1, surveys())
	require.Zero(t, surveys())
	require.Empty(t, w.calledOut())
}
