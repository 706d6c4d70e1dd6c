package workflows

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/internal/stack/pgtest"
)

// world is a small site with state: a real Postgres, and switches, BMCs and
// machines that do as they are told, in virtual time. Runs go through the real
// activities and the real store.
type world struct {
	t     *testing.T
	store *postgres.Store

	mu    sync.Mutex
	ports map[metal.Port]metal.PortIntent // what the switch has
	boxes map[metal.MachineID]*box
	after func(time.Duration, func())   // virtual time of the run under way
	tell  func(string, metal.Report)    // signals the run under way
	calls []string                      // activity attempts, in order
	spoil func(n int, name string) harm // what befalls the n-th attempt
}

// box is a machine: power, a disk with one device's data or none, and faults.
type box struct {
	on      bool
	life    int // counts power-ons: what an earlier life planned does not happen
	disk    metal.DeviceID
	boot    metal.BootNumber // of the installed system
	waiting bool             // the agent waits to be told to leave

	dead         bool   // never boots
	silent       bool   // the installed system never phones home
	agentFails   string // the agent's job fails, with this reason
	eraseUnknown bool   // erases without saying how
}

// harm is what befalls one attempt of an activity.
type harm int

const (
	none   harm = iota
	before      // it fails, and nothing happened
	after       // it takes effect, and the run is told that it failed
	lose        // it takes effect, the answer is lost, Temporal tries again
	twice       // it runs twice, and both are heard as one
)

const (
	bootTime = time.Minute
	workTime = 2 * time.Minute
	testSite = "s1"
	testPlan = "c1.small"
)

func newWorld(t *testing.T, machines int) *world {
	t.Helper()
	store, err := postgres.Open(t.Context(), pgtest.Database(t, postgres.Migrate))
	require.NoError(t, err)
	t.Cleanup(store.Close)
	w := &world{t: t, store: store, ports: map[metal.Port]metal.PortIntent{}, boxes: map[metal.MachineID]*box{}}
	w.build(machines)
	return w
}

// build imports a site: machines m1, m2, … in two racks, one switch each.
func (w *world) build(machines int) {
	ctx, q := w.t.Context(), w.store.Queries()
	ok := func(err error) { w.t.Helper(); require.NoError(w.t, err) }
	ok(q.UpsertSite(ctx, query.UpsertSiteParams{ID: testSite, Metro: "x", Boot: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}))
	ok(q.UpsertPlan(ctx, query.UpsertPlanParams{ID: testPlan, Hardware: []byte("{}"),
		BootLimit: 20 * time.Minute, InstallLimit: 30 * time.Minute, PhoneHomeLimit: 15 * time.Minute}))
	for _, os := range []string{"debian_12", "ubuntu_24_04"} {
		ok(q.UpsertOperatingSystem(ctx, query.UpsertOperatingSystemParams{ID: os, Name: os, Image: os + ".img",
			Sha256: fmt.Sprintf("%064d", 1), Size: 1}))
		ok(q.UpsertPlanOperatingSystem(ctx, query.UpsertPlanOperatingSystemParams{Plan: testPlan, OperatingSystem: os}))
	}
	for prefix, role := range map[string]string{"10.1.0.0/24": "install", "198.51.100.0/26": "public", "10.2.0.0/24": "private", "2001:db8::/64": "public"} {
		ok(q.InsertBlock(ctx, query.InsertBlockParams{Prefix: netip.MustParsePrefix(prefix), Site: testSite, Role: role}))
	}
	for _, rack := range []string{"r1", "r2"} {
		ok(q.UpsertRack(ctx, query.UpsertRackParams{Site: testSite, ID: rack}))
		ok(q.UpsertSwitch(ctx, query.UpsertSwitchParams{ID: "tor-" + rack, Site: testSite, Rack: rack, Address: rack + ":830"}))
	}
	for i := range machines {
		w.addMachine(i)
	}
}

func (w *world) addMachine(i int) {
	ctx, q := w.t.Context(), w.store.Queries()
	id, rack := fmt.Sprintf("m%d", i+1), fmt.Sprintf("r%d", i%2+1)
	port := metal.Port{Switch: metal.SwitchID("tor-" + rack), Name: fmt.Sprintf("xe-0/0/%d", i)}
	require.NoError(w.t, q.UpsertMachine(ctx, query.UpsertMachineParams{ID: id, Site: testSite, Rack: rack, Unit: int32(i), Plan: testPlan,
		Firmware: "uefi", Kexec: true, Bmc: fmt.Appendf(nil, `{"address":"%s:443","protocol":"redfish"}`, id), Disks: []byte("[]")}))
	require.NoError(w.t, q.UpsertPort(ctx, query.UpsertPortParams{Switch: string(port.Switch), Name: port.Name, Machine: id}))
	require.NoError(w.t, q.UpsertNIC(ctx, query.UpsertNICParams{Mac: fmt.Sprintf("02:00:00:00:00:%02x", i), Machine: id, Switch: string(port.Switch), Port: port.Name}))
	block := netip.MustParsePrefix("10.1.0.0/24")
	prefix, err := q.TakePrefix(ctx, query.TakePrefixParams{Block: block, Len: 31})
	require.NoError(w.t, err)
	require.NoError(w.t, q.InsertPortLease(ctx, query.InsertPortLeaseParams{Prefix: prefix, Block: block, Switch: string(port.Switch), Port: port.Name}))
	require.NoError(w.t, q.EnsureBootIntent(ctx, id))
	w.boxes[metal.MachineID(id)] = &box{}
}

// ordered writes an order's row, as an Order would, and returns the input of
// the device's run.
func (w *world) ordered(id metal.OrderID, in metal.OrderInput) RunInput {
	w.t.Helper()
	if in.Action == metal.ActionProvision {
		in.Project, in.Site, in.Plan = "acme", testSite, testPlan
		in.OperatingSystem = "debian_12"
	}
	raw, err := jsonOf(in)
	require.NoError(w.t, err)
	order, err := metal.ParseOrder(id, raw)
	require.NoError(w.t, err)
	_, err = w.store.RecordOrder(w.t.Context(), order)
	require.NoError(w.t, err)
	run := RunInput{Device: order.Device, Order: id, Site: testSite, OperatingSystem: in.OperatingSystem}
	if in.Action != metal.ActionProvision && in.Action != metal.ActionReinstall && in.Action != metal.ActionDeprovision {
		run.Action = in.Action
	}
	return run
}

// run executes one workflow to its end in virtual time, and returns its error.
// With may bring in cancellations and other callbacks.
func (w *world) run(workflow any, in RunInput, with ...func(*testsuite.TestWorkflowEnvironment)) error {
	w.t.Helper()
	env := w.env(in)
	for _, f := range with {
		f(env)
	}
	env.ExecuteWorkflow(workflow, in)
	require.True(w.t, env.IsWorkflowCompleted(), "the run never ended; calls: %v", w.calls)
	return env.GetWorkflowError()
}

func (w *world) env(in RunInput) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: DeviceRun(in.Device), TaskQueue: ControlQueue})
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&meddler{world: w}}})
	for _, workflow := range All() {
		env.RegisterWorkflow(workflow)
	}
	env.RegisterActivity(&activities.Orders{Store: w.store})
	env.RegisterActivity(&activities.Machines{Store: w.store})
	env.RegisterActivity(&activities.Devices{Store: w.store})
	env.RegisterActivity(&activities.Boot{Store: bootStore{w}})
	env.RegisterActivity(&activities.Power{Store: w.store, BMC: bmc{w}})
	env.RegisterActivity(&activities.Network{Store: w.store, Committer: activities.NewCommitter(w.store, switches{w})})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
	w.after = func(d time.Duration, f func()) { env.RegisterDelayedCallback(f, d) }
	w.tell = func(_ string, r metal.Report) { env.SignalWorkflow(ReportSignal, r) }
	return env
}

// meddler counts activity attempts and does the harm that a test asks for.
type meddler struct {
	interceptor.WorkerInterceptorBase
	*world
}

func (m *meddler) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	a := &meddled{world: m.world}
	a.Next = next
	return a
}

type meddled struct {
	interceptor.ActivityInboundInterceptorBase
	*world
}

// ExecuteActivity does the harm before, around or after the real activity.
func (m *meddled) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	switch m.harmOf(ctx) {
	case before:
		return nil, injected()
	case after:
		if _, err := m.Next.ExecuteActivity(ctx, in); err != nil {
			return nil, err
		}
		return nil, injected()
	case lose:
		if _, err := m.Next.ExecuteActivity(ctx, in); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("the answer was lost")
	case twice:
		if _, err := m.Next.ExecuteActivity(ctx, in); err != nil {
			return nil, err
		}
	}
	return m.Next.ExecuteActivity(ctx, in)
}
