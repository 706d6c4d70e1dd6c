package workflows

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
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
	dsn   string
	n     int // number of this world: its site, machines and addresses are its own
	site  metal.SiteID

	turn sync.Mutex // held while an activity runs

	mu      sync.Mutex
	ports   map[metal.Port]metal.PortIntent // what the switch has
	air     map[metal.SwitchID]*air         // what befalls the switch
	boxes   map[metal.MachineID]*box
	after   func(time.Duration, func()) // virtual time of the run under way
	tell    func(string, metal.Report)  // signals the run under way
	calls   []string                    // activity attempts, in order
	keys    keyset
	nobody  bool                          // no BMC answers who asks for the first time
	spoil   func(n int, name string) harm // what befalls the n-th attempt
	unheard func() bool                   // boot cannot record what machines say; nil: it always can
	torn    func() error                  // what a device's answer becomes, after its effect; nil: it is heard
}

// box is a machine: power, a disk with one device's data or none, and faults.
type box struct {
	on      bool
	life    int // counts power-ons: what an earlier life planned does not happen
	disk    metal.DeviceID
	boot    metal.BootNumber // of the installed system
	waiting bool             // the agent waits to be told to leave
	warm    bool             // the agent waits for a job
	token   []byte           // of that agent
	rescues int              // rescue systems that came up
	scripts int              // tenant's scripts that were fetched

	password  string // of its BMC; empty: the first one
	finds     finds  // what looks at it find
	mute      bool   // its BMC does not answer a patrol
	unplugged bool   // its BMC does not answer anybody
	flash     *flash // its firmware

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
	testPlan = "c1.small"
)

// places is one database with many sites, one per world, because a database
// takes longer to make than most runs.
type places struct {
	store *postgres.Store
	dsn   string
	made  atomic.Int32
}

func newPlaces(t *testing.T) *places {
	t.Helper()
	dsn := pgtest.Database(t, postgres.Migrate)
	store, err := postgres.Open(context.Background(), dsn)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	p := &places{store: store, dsn: dsn}
	ctx, q := t.Context(), store.Queries()
	require.NoError(t, q.UpsertPlan(ctx, query.UpsertPlanParams{ID: testPlan, Hardware: []byte("{}"), Fitness: []byte("{}"), Watts: 300,
		BootLimit: 20 * time.Minute, InstallLimit: 30 * time.Minute, PhoneHomeLimit: 15 * time.Minute}))
	image := fmt.Sprintf("%064d", 1)
	for os, firstBoot := range map[string]metal.FirstBootMethod{"debian_12": metal.CloudInit, "ubuntu_24_04": metal.CloudInit, "custom_ipxe": metal.IPXE} {
		image := image
		if firstBoot == metal.IPXE {
			image = ""
		}
		require.NoError(t, q.UpsertOperatingSystem(ctx, query.UpsertOperatingSystemParams{ID: os, Name: os, Arch: "x86_64",
			FirstBoot: string(firstBoot), Image: image, Size: int64(len(image))}))
		require.NoError(t, q.UpsertPlanOperatingSystem(ctx, query.UpsertPlanOperatingSystemParams{Plan: testPlan, OperatingSystem: os}))
	}
	return p
}

// newWorld is a world in a database of its own.
func newWorld(t *testing.T, machines int) *world {
	t.Helper()
	return newPlaces(t).world(t, machines)
}

// world builds a site: machines m1, m2, … in two racks, one switch each.
func (p *places) world(t *testing.T, machines int) *world {
	t.Helper()
	return p.numbered(t, int(p.made.Add(1)), machines)
}

// numbered builds a site whose number, and so every name in it, is the caller's.
func (p *places) numbered(t *testing.T, n, machines int) *world {
	t.Helper()
	w := &world{t: t, store: p.store, dsn: p.dsn, n: n, site: metal.SiteID(fmt.Sprintf("s%d", n)),
		ports: map[metal.Port]metal.PortIntent{}, air: map[metal.SwitchID]*air{}, boxes: map[metal.MachineID]*box{}}
	ctx, q := t.Context(), p.store.Queries()
	require.NoError(t, q.UpsertSite(ctx, query.UpsertSiteParams{ID: string(w.site), Metro: "x", Boot: []netip.Addr{netip.MustParseAddr("10.0.0.1")},
		AsNumber: 65530, PeerAs: 65000, BgpAddresses: []netip.Addr{netip.MustParseAddr("169.254.255.1")}}))
	for block, role := range w.blocks() {
		require.NoError(t, q.AddBlock(ctx, query.AddBlockParams{Prefix: block, Site: string(w.site), Role: role}))
	}
	for _, rack := range []string{"r1", "r2"} {
		require.NoError(t, q.UpsertRack(ctx, query.UpsertRackParams{Site: string(w.site), ID: rack}))
		require.NoError(t, q.UpsertSwitch(ctx, query.UpsertSwitchParams{ID: w.own("tor-" + rack), Site: string(w.site), Rack: rack, Address: w.own(rack) + ":830"}))
		w.air[w.tor(rack)] = &air{}
	}
	for i := range machines {
		w.addMachine(i)
	}
	return w
}

// own makes a name this world's own.
func (w *world) own(name string) string { return fmt.Sprintf("s%d-%s", w.n, name) }

// tor is a rack's switch.
func (w *world) tor(rack string) metal.SwitchID { return metal.SwitchID(w.own("tor-" + rack)) }

// m is the ID of the i-th machine, and box what it is.
func (w *world) m(i int) metal.MachineID { return metal.MachineID(w.own(fmt.Sprintf("m%d", i))) }
func (w *world) box(i int) *box          { return w.boxes[w.m(i)] }

func (w *world) blocks() map[netip.Prefix]string {
	a, b := byte(w.n/256), byte(w.n)
	return map[netip.Prefix]string{
		w.installBlock(): "install",
		netip.PrefixFrom(netip.AddrFrom4([4]byte{20 + a, b, 0, 0}), 26):                                  "public",
		netip.PrefixFrom(netip.AddrFrom4([4]byte{30 + a, b, 0, 0}), 26):                                  "private",
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 4: a, 5: b}), 64): "public",
	}
}

func (w *world) installBlock() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{40 + byte(w.n/256), byte(w.n), 0, 0}), 26)
}

func (w *world) addMachine(i int) {
	ctx, q := w.t.Context(), w.store.Queries()
	id, rack := w.m(i+1), fmt.Sprintf("r%d", i%2+1)
	require.NoError(w.t, q.UpsertMachine(ctx, query.UpsertMachineParams{ID: string(id), Site: string(w.site), Rack: rack, Unit: int32(i), Plan: testPlan,
		Firmware: "uefi", Kexec: true, Bmc: fmt.Appendf(nil, `{"address":"%s:443","protocol":"redfish"}`, id), Disks: []byte("[]"), State: "idle"}))
	w.cable(id, metal.Port{Switch: w.tor(rack), Name: fmt.Sprintf("xe-0/0/%d", i)}, i, 0)
	require.NoError(w.t, q.EnsureBootIntent(ctx, string(id)))
	w.boxes[id] = &box{}
}

// cable plugs a NIC of a machine into a port, which gets its install link.
func (w *world) cable(id metal.MachineID, port metal.Port, i, position int) {
	ctx, q := w.t.Context(), w.store.Queries()
	require.NoError(w.t, q.UpsertPort(ctx, query.UpsertPortParams{Switch: string(port.Switch), Name: port.Name, Machine: string(id), Position: int32(position)}))
	require.NoError(w.t, q.UpsertNIC(ctx, query.UpsertNICParams{Mac: fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", position, w.n/256, w.n%256, i),
		Machine: string(id), Switch: string(port.Switch), Port: port.Name, Position: int32(position)}))
	_, err := q.TakePrefixes(ctx, query.TakePrefixesParams{Block: w.installBlock(), Len: 31, Holders: []string{metal.PortHolder + port.String()}, Asks: []string{"install"}})
	require.NoError(w.t, err)
}

// twins gives every machine a second port, on the other rack's switch.
func (w *world) twins() *world {
	for i := range len(w.boxes) {
		other := fmt.Sprintf("r%d", (i+1)%2+1)
		w.cable(w.m(i+1), metal.Port{Switch: w.tor(other), Name: fmt.Sprintf("xe-0/1/%d", i)}, i, 1)
	}
	return w
}

// ordered writes an order's row, as an Order would, and returns the input of
// the device's run.
func (w *world) ordered(id metal.OrderID, in metal.OrderInput) RunInput {
	w.t.Helper()
	if in.Action == metal.ActionProvision {
		in.Project, in.Site, in.Plan = "acme", w.site, testPlan
		if in.OperatingSystem == "" {
			in.OperatingSystem = "debian_12"
		}
	}
	raw, err := jsonOf(in)
	require.NoError(w.t, err)
	id = metal.OrderID(w.own(string(id)))
	order, err := metal.ParseOrder(id, raw)
	require.NoError(w.t, err)
	_, err = w.store.RecordOrder(w.t.Context(), order)
	require.NoError(w.t, err)
	return w.input(order)
}

// input is what an Order would start the device's run with.
func (w *world) input(order metal.Order) RunInput {
	run := RunInput{Device: order.Device, Order: order.ID, Site: w.site}
	switch order.Action {
	case metal.ActionProvision, metal.ActionDeprovision:
	case metal.ActionReinstall:
		run.OperatingSystem, run.ScriptURL = order.Wish.OperatingSystem, order.Wish.ScriptURL
	default:
		run.Action = order.Action
	}
	return run
}

// run executes one workflow to its end in virtual time, and returns its error.
// With may bring in cancellations and other callbacks.
func (w *world) run(workflow any, in RunInput, with ...func(*testsuite.TestWorkflowEnvironment)) error {
	w.t.Helper()
	return w.runAs(DeviceRun(in.Device), workflow, in, with...).GetWorkflowError()
}

// runAs executes any workflow under its ID.
func (w *world) runAs(id string, workflow, in any, with ...func(*testsuite.TestWorkflowEnvironment)) *testsuite.TestWorkflowEnvironment {
	w.t.Helper()
	env := w.env(id)
	for _, f := range with {
		f(env)
	}
	if in == nil {
		env.ExecuteWorkflow(workflow)
	} else {
		env.ExecuteWorkflow(workflow, in)
	}
	require.True(w.t, env.IsWorkflowCompleted(), "the run never ended; calls: %v", w.calls)
	return env
}

func (w *world) env(id string) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: id, TaskQueue: ControlQueue})
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&meddler{world: w}}})
	for _, workflow := range All() {
		env.RegisterWorkflow(workflow)
	}
	w.staff(env)
	env.RegisterActivity(&activities.Lost{Store: w.store, Behind: time.Nanosecond, Line: &activities.Line{Store: w.store}})
	env.RegisterActivity(&activities.Spares{Store: w.store, Runs: closedRuns{}})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
	w.after = func(d time.Duration, f func()) { env.RegisterDelayedCallback(f, d) }
	w.tell = func(run string, r metal.Report) {
		if run == id {
			env.SignalWorkflow(ReportSignal, r)
			return
		}
		_ = env.SignalWorkflowByID(run, ReportSignal, r) // of a child; one that is over is not told
	}
	return env
}

// registry takes activities: an environment of runs, or of activities alone.
type registry interface{ RegisterActivity(a any) }

// staff registers the activities that know nothing of other runs.
func (w *world) staff(to registry) {
	to.RegisterActivity(&activities.Orders{Store: w.store})
	to.RegisterActivity(&activities.Fleets{Store: w.store})
	to.RegisterActivity(&activities.Machines{Store: w.store})
	to.RegisterActivity(&activities.Devices{Store: w.store})
	to.RegisterActivity(&activities.Boot{Store: bootStore{w}})
	to.RegisterActivity(&activities.Power{Store: w.store, BMC: bmc{w}})
	committer := activities.NewCommitter(w.store, fabric{w})
	to.RegisterActivity(&activities.Network{Store: w.store, Committer: committer})
	to.RegisterActivity(&activities.Switches{Store: w.store, Driver: fabric{w}, Committer: committer})
	to.RegisterActivity(&activities.Addresses{Store: w.store})
	w.keeping(to)
}

// answer is what is heard of a device that did as it was told.
func (w *world) answer() error {
	if w.torn == nil {
		return nil
	}
	return w.torn()
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

// ExecuteActivity does the harm before, around or after the real activity. A
// run's activities take turns: the test environment goes on at once where
// Temporal would wait for a cancelled activity to end (WaitForCancellation).
func (m *meddled) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	m.turn.Lock()
	defer m.turn.Unlock()
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

// closedRuns is a Temporal without open runs.
type closedRuns struct{}

func (closedRuns) Open(context.Context, string) (bool, error) { return false, nil }
