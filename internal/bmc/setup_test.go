package bmc_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

const password = "correct-horse-19"

// rack is one machine with a simulated BMC on a real socket, and a driver that
// knows its password.
type rack struct {
	*redfish.BMC
	driver  *bmc.Driver
	record  metal.BMC
	chassis *notes
	accepts atomic.Int64 // connections that reached the BMC

	network *pipes      // of a rack in a bubble
	ledger  *bmc.Memory // likewise
}

// notes is a chassis that writes down what happens to it.
type notes struct {
	mu    sync.Mutex
	calls []string
}

func (n *notes) PowerOn(device metal.BootDevice) { n.write("on:" + string(device)) }
func (n *notes) PowerOff()                       { n.write("off") }

func (n *notes) write(call string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, call)
}

func (n *notes) read() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.calls...)
}

func setup(t testing.TB) *rack {
	t.Helper()
	r := &rack{chassis: &notes{}}
	cred := metal.Credential{User: "admin", Password: password}
	r.BMC = redfish.New("m7", cred, r.chassis, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, counting{ln, &r.accepts}) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-served) })

	r.record = metal.BMC{
		Machine: "m7", Address: ln.Addr().String(), Protocol: metal.Redfish,
		Credential: "bmc/m7", Fingerprint: redfish.Fingerprint("m7"),
	}
	r.driver = &bmc.Driver{
		Credentials: func(context.Context, string) (metal.Credential, error) { return cred, nil },
		Request:     5 * time.Second,
		Settle:      300 * time.Millisecond,
	}
	return r
}

// arm gives the BMC a fault by name.
func (r *rack) arm(t *testing.T, name string, times int, delay time.Duration) {
	t.Helper()
	fault, err := redfish.ParseFault(name, times, delay)
	require.NoError(t, err)
	r.SetFault(fault)
}

// requireCalls waits until the chassis was called so and not otherwise.
func (r *rack) requireCalls(t *testing.T, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(r.chassis.read()) >= len(want) }, 5*time.Second, time.Millisecond)
	require.Equal(t, want, r.chassis.read())
}

// requireNoSessions waits until the BMC has no session left.
func (r *rack) requireNoSessions(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return r.Sessions() == 0 }, 5*time.Second, time.Millisecond)
}

// requireWeather holds an error to what every error of the driver promises,
// and to being one that a retry may mend.
func (r *rack) requireWeather(t *testing.T, err error) {
	t.Helper()
	r.requireNamed(t, err)
	for _, sentinel := range []error{metal.ErrBadCredentials, metal.ErrFingerprint, metal.ErrUnsupported} {
		require.NotErrorIs(t, err, sentinel)
	}
}

func (r *rack) requireNamed(t *testing.T, err error) {
	t.Helper()
	require.ErrorContains(t, err, "machine m7: BMC "+r.record.Address+": ")
	require.NotContains(t, err.Error(), password)
}

// counting counts what it accepts.
type counting struct {
	net.Listener
	n *atomic.Int64
}

func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}
