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

// fleetOf is the JSON of a fleet in this world.
func (w *world) fleetOf(quantity, enough, atOnce int, within time.Duration) []byte {
	return fmt.Appendf(nil, `{"quantity":%d,"enough":%d,"at_once":%d,"within":%q,"sites":[%q],
		"device":{"project":"acme","plan":%q,"operating_system":"debian_12","hostname":"web"}}`, quantity, enough, atOnce, within, w.site, testPlan)
}

// fleet runs a Fleet to its end.
func (w *world) fleet(input []byte, with ...func(*testsuite.TestWorkflowEnvironment)) (FleetResult, error) {
	w.t.Helper()
	env := w.runAs(FleetRun(w.fleetID()), Fleet, OrderJSON(input), with...)
	var result FleetResult
	if err := env.GetWorkflowError(); err != nil {
		return result, err
	}
	return result, env.GetWorkflowResult(&result)
}

func (w *world) fleetID() metal.FleetID { return metal.FleetID(w.own("f")) }

func (w *world) fleetStatus() metal.FleetStatus {
	w.t.Helper()
	status, err := w.store.Fleet(w.t.Context(), w.fleetID())
	require.NoError(w.t, err)
	return status
}

// nothingLeft requires that a fleet gave everything back.
func (w *world) nothingLeft() {
	w.t.Helper()
	status := w.fleetStatus()
	require.Equal(w.t, "failed", status.State)
	require.Zero(w.t, status.Left, status.Outcome)
	require.Zero(w.t, status.Open)
	w.accounted()
}

func TestAFleetOrdersManyDevicesAsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	most := 0
	result, err := w.fleet(w.fleetOf(6, 0, 2, time.Hour), func(env *testsuite.TestWorkflowEnvironment) {
		for minute := range 30 {
			env.RegisterDelayedCallback(func() {
				if env.IsWorkflowCompleted() {
					return
				}
				answer, err := env.QueryWorkflow(StatusQuery)
				require.NoError(t, err)
				var status Status
				require.NoError(t, answer.Get(&status))
				if status.Fleet != nil {
					most = max(most, status.Fleet.Open)
					require.NotZero(t, status.Deadline)
				}
			}, time.Duration(minute)*time.Minute+time.Second)
		}
	})
	require.NoError(t, err)
	require.Equal(t, "done", result.State)
	require.Equal(t, 6, result.Active)
	require.Equal(t, 2, most, "two at a time")
	racks := map[string]int{}
	for _, d := range w.devices() {
		require.Equal(t, "active", d.State)
		machine, err := w.store.Queries().GetMachine(t.Context(), d.Machine)
		require.NoError(t, err)
		racks[machine.Rack]++
	}
	require.Equal(t, map[string]int{"r1": 3, "r2": 3}, racks)
	w.accounted()

	again, err := w.fleet(w.fleetOf(6, 0, 2, time.Hour))
	require.NoError(t, err)
	require.Equal(t, result, again, "the same ID finds the first outcome")
	require.Equal(t, []string{"BeginFleet"}, w.calls)
	_, err = w.fleet(w.fleetOf(5, 0, 2, time.Hour))
	require.Equal(t, activities.OrderConflict, typeOf(err))
}

func TestAFleetIsContentWithEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	for i := range 2 {
		w.box(i + 1).dead = true
	}
	result, err := w.fleet(w.fleetOf(6, 4, 6, 2*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 4, result.Active)
	w.accounted()
}

func TestAFleetWithTooFewDevicesGivesAllBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	_, err := w.fleet(w.fleetOf(6, 5, 6, 30*time.Minute)) // two wait in the line in vain
	require.Equal(t, NotEnough, typeOf(err))
	require.ErrorContains(t, err, "4 of 6 devices became active, and 5 are enough")
	require.ErrorContains(t, err, "all were given back")
	w.nothingLeft()
}

func TestACancelledFleetGivesAllBack(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for minute := range 8 {
		t.Run(fmt.Sprintf("minute %d", minute), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 4)
			_, err := w.fleet(w.fleetOf(4, 1, 2, time.Hour), func(env *testsuite.TestWorkflowEnvironment) {
				env.RegisterDelayedCallback(env.CancelWorkflow, time.Duration(minute)*time.Minute+time.Second)
			})
			require.Error(t, err)
			w.nothingLeft()
		})
	}
}

// A run of the fleet that was lost is followed by another one, which finds what
// is under way and ends what is not.
func TestAFleetThatIsStartedAgainGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	f, err := metal.ParseFleet(w.fleetID(), w.fleetOf(4, 0, 4, time.Hour))
	require.NoError(t, err)
	_, err = w.store.BeginFleet(t.Context(), f)
	require.NoError(t, err)
	_, err = w.store.OrderFleet(t.Context(), f.ID, 0, 3)
	require.NoError(t, err)
	order, err := f.Order(0)
	require.NoError(t, err)
	require.NoError(t, w.run(Provision, w.input(order)))
	lost, err := w.store.OpenFleets(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, lost, 1)

	result, err := w.fleet(lost[0].Input)
	require.NoError(t, err)
	require.Equal(t, 4, result.Active)
	w.accounted()
}

func TestAFleetEndsCleanWhicheverOfItsStepsFails(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for _, step := range []string{"BeginFleet", "OrderFleet", "FleetStatus", "EndFleet"} {
		for _, how := range []harm{before, after, lose, twice} {
			t.Run(fmt.Sprintf("%s/%s", step, how), func(t *testing.T) {
				t.Parallel()
				w := places.world(t, 3)
				met := false
				w.spoil = func(_ int, name string) harm {
					if name != step || met {
						return none
					}
					met = true
					return how
				}
				input := w.fleetOf(3, 0, 3, time.Hour)
				_, err := w.fleet(input)
				if status, known := w.store.Fleet(t.Context(), w.fleetID()); known == nil && status.State == underWay { // reconcile starts it again
					_, err = w.fleet(input)
				}
				w.reconcile() // orders whose answer was lost have no run
				switch status, known := w.store.Fleet(t.Context(), w.fleetID()); {
				case known != nil:
					require.Equal(t, injectedType, typeOf(err))
				case status.State == "done":
					require.Equal(t, 3, status.Active)
				default:
					w.nothingLeft()
				}
				w.accounted()
			})
		}
	}
}

// What could not be given back is told with its cause: a person reads the
// outcome, not the history.
func TestAFleetThatCannotGiveBackSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.spoil = func(_ int, name string) harm {
		if name == "ReturnFleet" {
			return before
		}
		return none
	}
	_, err := w.fleet(w.fleetOf(3, 3, 3, 30*time.Minute))
	require.Equal(t, NotEnough, typeOf(err))
	require.ErrorContains(t, err, "given back: injected")
	require.ErrorContains(t, err, "2 devices still hold something")
	require.Equal(t, 2, w.fleetStatus().Left)
}

func TestBadFleetsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	good := `{"quantity":2,"sites":["x"],"device":{"project":"acme","plan":"p","operating_system":"o"}}`
	_, err := metal.ParseFleet("f", []byte(good))
	require.NoError(t, err)
	for field, text := range map[string]string{
		"quantity":          `{"quantity":0,"sites":["x"],"device":{"project":"acme","plan":"p","operating_system":"o"}}`,
		"enough":            `{"quantity":2,"enough":3,"sites":["x"],"device":{"project":"acme","plan":"p","operating_system":"o"}}`,
		"sites":             `{"quantity":2,"device":{"project":"acme","plan":"p","operating_system":"o"}}`,
		"at_once":           `{"quantity":2,"at_once":501,"sites":["x"],"device":{"project":"acme","plan":"p","operating_system":"o"}}`,
		"device: project":   `{"quantity":2,"sites":["x"],"device":{"plan":"p","operating_system":"o"}}`,
		"device: leave out": `{"quantity":2,"sites":["x"],"device":{"action":"provision","project":"acme","plan":"p","operating_system":"o"}}`,
		"within":            `{"quantity":2,"within":"200h","sites":["x"],"device":{"project":"acme","plan":"p","operating_system":"o"}}`,
		"qantity":           `{"qantity":2}`,
	} {
		_, err := w.fleet([]byte(text))
		require.Equal(t, activities.InvalidOrder, typeOf(err), field)
		require.ErrorContains(t, err, field)
	}
	require.Empty(t, w.devices())
}
