package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

// order runs an Order until it has started its device's run, or failed. The
// device's run itself ends with it: what is left is as if Temporal had lost it.
func (w *world) order(id, input string, with ...func(*testsuite.TestWorkflowEnvironment)) error {
	w.t.Helper()
	env := w.env(OrderRun(metal.OrderID(w.own(id))))
	for _, f := range with {
		f(env)
	}
	env.ExecuteWorkflow(Order, OrderJSON([]byte(input)))
	require.True(w.t, env.IsWorkflowCompleted())
	return env.GetWorkflowError()
}

func (w *world) provisionJSON() string {
	return `{"action":"provision","project":"acme","site":"` + string(w.site) + `","plan":"c1.small","operating_system":"debian_12"}`
}

func TestAnOrderThatCannotBeFailsAtOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	for input, want := range map[string]string{
		``:                          "input",
		`{`:                         "input",
		`{"action":"provision"} {}`: "more than one",
		`{"action":"explode"}`:      "device",
		`{"action":7}`:              "action",
		`{"action":"provision","os":"debian_12"}`: `unknown field "os"`,
		`{"action":"provision","project":"acme","site":"nowhere","plan":"c1.small","operating_system":"debian_12"}`:                      "site",
		`{"action":"provision","project":"acme","site":"` + string(w.site) + `","plan":"none","operating_system":"debian_12"}`:           "plan",
		`{"action":"provision","project":"acme","site":"` + string(w.site) + `","plan":"c1.small","operating_system":"none"}`:            "operating_system",
		`{"action":"provision","project":"acme","site":"x","plan":"c1.small","operating_system":"debian_12","hostname":"-x"}`:            "hostname",
		`{"action":"provision","project":"acme","site":"x","plan":"c1.small","operating_system":"debian_12","ssh_keys":["PRIVATE KEY"]}`: "ssh_keys[0]",
		`{"action":"provision","project":"acme","site":"x","plan":"c1.small","operating_system":"debian_12","user_data":"not a hash"}`:   "user_data",
		`{"action":"deprovision","device":"11111111-1111-4111-8111-111111111111","plan":"c1.small"}`:                                     "plan: deprovision has no use for it",
	} {
		err := w.order("bad", input)
		require.Equal(t, activities.InvalidOrder, typeOf(err), "%s: %v", input, err)
		require.ErrorContains(t, err, want, input)
		require.Empty(t, w.devices(), input)
	}
	err := w.order("bad", `{"action":"deprovision","device":"11111111-1111-4111-8111-111111111111"}`)
	require.Equal(t, activities.UnknownDevice, typeOf(err))
}

func TestAnOrderIDMeansOneThing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	require.NoError(t, w.order("o1", w.provisionJSON()))
	require.NoError(t, w.order("o1", w.provisionJSON()))
	require.Len(t, w.devices(), 1)
	err := w.order("o1", `{"action":"deprovision","device":"`+w.device().ID+`"}`)
	require.Equal(t, activities.OrderConflict, typeOf(err))
	w.reconcile()
	w.accounted()
}

func TestAnOrderSettlesWhicheverStepFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, how := range []harm{before, after, lose, twice} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 2)
			w.spoil = failing(1, how)
			_ = w.order("o1", w.provisionJSON()) // what it says is judged by what it did
			w.spoil = nil
			w.reconcile()
			if how == before {
				require.Empty(t, w.devices())
			} else {
				require.Len(t, w.devices(), 1)
			}
			w.accounted()
		})
	}
}

func TestAnOrderCancelledBeforeItsRunBeganIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	err := w.order("o1", w.provisionJSON(), func(env *testsuite.TestWorkflowEnvironment) {
		w.spoil = func(_ int, name string) harm {
			if name == "RecordOrder" {
				env.CancelWorkflow()
			}
			return none
		}
	})
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	w.reconcile()
	for _, d := range w.devices() {
		require.Equal(t, "failed", d.State)
	}
	w.accounted()
}

// Recover itself may fail at any step, and is started again.
func TestARecoverThatFailsIsTakenUpByTheNext(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for n := 1; n <= 8; n++ {
		for _, how := range []harm{before, after, lose, twice} {
			t.Run(how.String(), func(t *testing.T) {
				t.Parallel()
				w := places.world(t, 2)
				in := w.provision("first")
				w.lose(Provision, in, 6) // the port is the tenant's, the image is written
				w.spoil = failing(n, how)
				_ = w.run(Recover, RunInput{Device: in.Device, Site: w.site}) // settled or not: the next judges
				w.spoil = nil
				w.reconcile()
				require.Contains(t, []string{"failed", "deleted"}, w.device().State)
				w.accounted()
			})
		}
	}
}
