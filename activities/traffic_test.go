package activities_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

// metered is a committer that counts, as a worker's does.
func (r *rack) metered() *activities.Committer {
	c := r.committer(r.store)
	c.Meter = &activities.Meter{Store: r.store, Driver: r.driver}
	return c
}

// sent is what a device is charged for so far.
func (r *rack) sent(i int) uint64 {
	r.Helper()
	ask := metal.UsageAsk{Since: time.Unix(0, 0), Until: time.Now().Truncate(time.Second).Add(2 * time.Hour), Device: r.claims[i].Device}
	report, err := r.store.Usage(r.Context(), ask)
	require.NoError(r, err)
	for _, record := range report.Records {
		if record.Kind == metal.EgressUsage {
			return record.Octets
		}
	}
	return 0
}

// check does what the schedule does.
func (r *rack) check(c *activities.Committer) {
	r.Helper()
	s := &activities.Switches{Store: r.store, Driver: r.driver, Committer: c, Meter: c.Meter}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(s)
	_, err := env.ExecuteActivity(s.CheckSwitch, activities.CheckSwitchInput{Switch: r.ports[0].Switch})
	require.NoError(r, err)
}

func TestADeviceIsChargedForWhatItSendsWhileItHasThePort(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	c := r.metered()
	port := r.ports[0].Name
	r.lab.Receive(port, 5000) // of whoever had the machine before
	require.NoError(t, r.bring(c, 0, metal.Parked))
	r.lab.Receive(port, 700) // the agent's
	require.NoError(t, r.bring(c, 0, metal.Tenant))
	require.Zero(t, r.sent(0))
	r.lab.Receive(port, 100)
	r.check(c)
	require.EqualValues(t, 100, r.sent(0))
	r.check(c)
	require.EqualValues(t, 100, r.sent(0), "looking twice adds nothing")
	r.lab.Receive(port, 11)
	require.NoError(t, r.bring(c, 0, metal.Parked))
	require.EqualValues(t, 111, r.sent(0), "the last bytes are read when the port is parked")
	r.lab.Receive(port, 9000) // the agent's, while it erases
	r.check(c)
	require.EqualValues(t, 111, r.sent(0))
	require.Zero(t, r.sent(1))
}

func TestACounterThatBeganAnewCountsFromZero(t *testing.T) {
	t.Parallel()
	r := newRack(t, 1)
	c := r.metered()
	require.NoError(t, r.bring(c, 0, metal.Tenant))
	r.lab.Receive(r.ports[0].Name, 1000)
	r.check(c)
	r.lab.Restart()
	r.lab.Receive(r.ports[0].Name, 30)
	r.check(c)
	require.EqualValues(t, 1030, r.sent(0))
}

// Many readings at once, each as a ghost of an activity would make it, count
// every byte once.
func TestReadingsAtOnceCountEachByteOnce(t *testing.T) {
	t.Parallel()
	r := newRack(t, 1)
	c := r.metered()
	require.NoError(t, r.bring(c, 0, metal.Tenant))
	sw := r.sw()
	var side sync.WaitGroup
	for range 8 {
		side.Go(func() {
			for range 5 {
				r.lab.Receive(r.ports[0].Name, 1)
				began, err := r.store.Moment(r.Context())
				require.NoError(t, err)
				counters, err := r.driver.Counters(r.Context(), sw)
				require.NoError(t, err)
				for range 2 {
					require.NoError(t, r.store.Count(r.Context(), r.ports[0].Switch, began, counters))
				}
			}
		})
	}
	side.Wait()
	r.check(c)
	require.EqualValues(t, 40, r.sent(0))
}

func TestASwitchThatIsNotReadIsCommittedAllTheSame(t *testing.T) {
	t.Parallel()
	r := newRack(t, 1)
	c := r.committer(r.store)
	c.Meter = &activities.Meter{Store: r.store, Driver: blind{}}
	require.NoError(t, r.bring(c, 0, metal.Tenant))
}

// blind is a switch that does not count.
type blind struct{}

func (blind) Counters(context.Context, metal.Switch) ([]metal.Counter, error) {
	return nil, context.DeadlineExceeded
}
