//go:build !race

package workflows

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"millwright/internal/metal"
)

// story is what one seed tells: a small site, some projects that order and
// change their minds, and what befalls everything meanwhile, over some virtual
// hours, in one environment where all runs interleave. Everything happens on one
// goroutine and all chance is the seed's, so that a seed tells the same again.
type story struct {
	*world
	seed   uint64
	plot   *rand.Rand // what people and things do
	chance *rand.Rand // what befalls attempts
	mood   mood
	script func(workflow.Context) error // what happens first; nil: nothing

	env   *testsuite.TestWorkflowEnvironment
	hands *testsuite.TestActivityEnvironment
	doing activity.Info // of the attempt under way
	clock func() time.Time
	began time.Time

	open    map[string]*life // runs, by workflow ID
	lives   []*life          // every run, in order
	orders  []asked          // everything that was ordered
	devices []metal.DeviceID
	words   []metal.Report // what machines said
	one     elastic        // the reservation that moves

	outages []outage
	healed  bool
	faults  []string // promises that were seen broken
	told    []string // what happened, line by line
	counts  tally
}

// asked is an order as it was given.
type asked struct {
	id metal.OrderID
	in metal.OrderInput
}

// tally is what a story adds to the summary.
type tally struct {
	Runs, Attempts, Harmed, Stuck int
	Virtual                       time.Duration
}

// newStory builds the site of a seed. Its names are the seed's, too: they decide
// in which order a database lists things.
func newStory(t *testing.T, p *places, seed uint64) *story {
	t.Helper()
	s := &story{seed: seed, plot: rand.New(rand.NewPCG(seed, 1)), chance: rand.New(rand.NewPCG(seed, 2)), open: map[string]*life{}}
	s.mood = newMood(s.plot)
	s.world = p.numbered(t, int(seed%siteNumbers), s.mood.machines)
	if s.mood.twins {
		s.twins()
	}
	s.one.world = s.world
	s.one.reserve("acme", 1)
	s.stage()
	return s
}

// siteNumbers is how many sites find room in the address plan of places.
const siteNumbers = 1 << 13

// stage makes the environment in which the story happens.
func (s *story) stage() {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	s.env = suite.NewTestWorkflowEnvironment()
	s.env.SetTestTimeout(time.Minute)
	s.env.SetDetachedChildWait(false) // the story waits for its runs, and says which does not end
	s.env.SetStartTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "story", TaskQueue: ControlQueue})
	s.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&narrator{story: s}}, DeadlockDetectionTimeout: time.Minute})
	for _, run := range All() {
		s.env.RegisterWorkflow(run)
	}
	s.env.RegisterWorkflowWithOptions(s.play, workflow.RegisterOptions{Name: "Story"})
	s.hands = suite.NewTestActivityEnvironment()
	s.hands.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&impostor{story: s}}})
	s.staff(s.hands)
	s.seekers(s.hands)
	s.clock, s.began = s.env.Now, s.env.Now()
	s.after = func(d time.Duration, f func()) { s.env.RegisterDelayedCallback(f, d) }
	s.tell = s.deliver
	s.torn = s.tear
	s.unheard = func() bool { return s.suffers(theDatabase) }
}

// run tells the story, and holds its end to the promises.
func (s *story) run(t *testing.T) {
	defer func() {
		if t.Failed() || asked64(t, "MILLWRIGHT_SIMULATE_SEEDS", 0) == 1 {
			t.Logf("seed %d; replay it with: make simulate SEEDS=1 FROM=%d\n%s", s.seed, s.seed, strings.Join(s.told, "\n"))
		}
	}()
	s.env.ExecuteWorkflow("Story")
	s.counts.Virtual = s.clock().Sub(s.began)
	s.judge()
}

// say writes a line of the story.
func (s *story) say(format string, args ...any) {
	at := s.clock().Sub(s.began).Round(time.Millisecond)
	s.told = append(s.told, fmt.Sprintf("%12s  %s", at, fmt.Sprintf(format, args...)))
}

// broken notes a promise that does not hold at this moment.
func (s *story) broken(format string, args ...any) {
	s.say("BROKEN: "+format, args...)
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}
