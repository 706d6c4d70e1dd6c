package activities_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/activities"
	"millwright/internal/junos"
	"millwright/internal/lab"
	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/sitefile"
	"millwright/internal/stack/pgtest"
)

// soon is for what takes milliseconds on a quiet machine.
const soon = 30 * time.Second

// rack is a site with one switch of the lab behind the real driver, a real
// Postgres, and a device on each machine whose port is still parked.
type rack struct {
	*testing.T
	store  *postgres.Store
	driver *junos.Driver
	lab    *netconf.Switch
	claims []metal.Claim
	ports  []metal.Port // of the claims' machines
}

func newRack(t *testing.T, machines int, tune ...func(*netconf.Config)) *rack {
	t.Helper()
	file, err := lab.Generate(lab.Size{Name: "lab1", Machines: machines, Racks: 1, Net: 64})
	require.NoError(t, err)
	r := &rack{T: t, driver: newDriver()}
	r.serve(file, tune)
	r.store, err = postgres.Open(t.Context(), pgtest.Database(t, postgres.Migrate))
	require.NoError(t, err)
	t.Cleanup(r.store.Close)
	_, err = r.store.ImportSite(t.Context(), file)
	require.NoError(t, err)
	for i := range machines {
		r.occupy(i)
	}
	return r
}

// newDriver is a worker's, with limits that even a busy machine keeps.
func newDriver() *junos.Driver {
	return &junos.Driver{
		Credentials: func(context.Context, string) (metal.Credential, error) {
			return metal.Credential{User: "millwright", Password: "s3cret"}, nil
		},
		Timeout: soon, CommitTimeout: soon, ConfirmTimeout: soon, Pause: 10 * time.Millisecond,
	}
}

// serve starts the site's switch, and tells the file where it listens.
func (r *rack) serve(file *sitefile.Site, tune []func(*netconf.Config)) {
	config := netconf.Config{Name: string(file.Switches[0].ID), User: "millwright", Password: "s3cret"}
	for _, f := range tune {
		f(&config)
	}
	var err error
	r.lab, err = netconf.New(config)
	require.NoError(r, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(r, err)
	file.Switches[0].Address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.lab.Serve(ctx, listener) }()
	r.Cleanup(func() {
		cancel()
		require.NoError(r, <-served)
	})
}

// occupy orders a device, and claims a machine for it.
func (r *rack) occupy(i int) {
	order, err := metal.ParseOrder(metal.OrderID(fmt.Sprintf("o%d", i)),
		[]byte(`{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`))
	require.NoError(r, err)
	_, err = r.store.RecordOrder(r.Context(), order)
	require.NoError(r, err)
	held, err := r.store.ClaimMachine(r.Context(), order.Device, order.ID)
	require.NoError(r, err)
	r.claims, r.ports = append(r.claims, held.Claim), append(r.ports, held.Port)
}

// committer is one worker's.
func (r *rack) committer(store activities.PortStore) *activities.Committer {
	return activities.NewCommitter(store, newDriver())
}

// bring does what ParkPort and OpenPort do for the i-th device.
func (r *rack) bring(c *activities.Committer, i int, profile metal.Profile) error {
	want, err := r.store.SetPorts(r.Context(), r.claims[i], profile)
	if err != nil {
		return err
	}
	return c.Bring(r.Context(), want)
}

// allAtOnce brings every port, each by a caller of its own, and returns what
// each was told.
func (r *rack) allAtOnce(c *activities.Committer, profile metal.Profile) []error {
	told := make([]error, len(r.claims))
	var side sync.WaitGroup
	for i := range r.claims {
		side.Go(func() { told[i] = r.bring(c, i, profile) })
	}
	side.Wait()
	return told
}

func (r *rack) sw() metal.Switch {
	sw, err := r.store.Switch(r.Context(), r.ports[0].Switch)
	require.NoError(r, err)
	return sw
}

func (r *rack) intents() []metal.PortIntent {
	intents, err := r.store.PortIntents(r.Context(), r.ports[0].Switch, nil)
	require.NoError(r, err)
	return intents
}

// lost are the ports that the switch does not have as intended.
func (r *rack) lost() []metal.Drift {
	drifts, err := r.driver.Drift(r.Context(), r.sw(), r.intents())
	require.NoError(r, err)
	return drifts
}

// outcome is how the i-th device's port stands.
func (r *rack) outcome(i int) metal.PortOutcome {
	outcomes, err := r.store.PortOutcomes(r.Context(), r.ports[i].Switch, []string{r.ports[i].Name})
	require.NoError(r, err)
	return outcomes[r.ports[i].Name]
}

func (r *rack) fault(name netconf.FaultName, times int) {
	r.lab.SetFault(netconf.Fault{Name: name, Times: times})
}

// pending is how many ports wait for a commit.
func (r *rack) pending() int {
	change, err := r.store.PendingPorts(r.Context(), r.ports[0].Switch)
	require.NoError(r, err)
	return len(change.Ports)
}

// disturbed is a store where something happens around a call.
type disturbed struct {
	*postgres.Store
	asked func(context.Context) // after the pending ports were read
	note  func(try int) error   // before a commit is noted
	tries int
}

func (d *disturbed) PendingPorts(ctx context.Context, id metal.SwitchID) (metal.Change, error) {
	change, err := d.Store.PendingPorts(ctx, id)
	if d.asked != nil {
		d.asked(ctx)
	}
	return change, err
}

func (d *disturbed) PortsCommitted(ctx context.Context, id metal.SwitchID, change metal.Change, done metal.Committed) error {
	d.tries++
	if d.note != nil {
		if err := d.note(d.tries); err != nil {
			return err
		}
	}
	return d.Store.PortsCommitted(ctx, id, change, done)
}
