package bmc_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// pipes is a network within a test: time passes on it when all wait, so that
// half an hour of a BMC's life is tested in a moment.
type pipes struct {
	calls  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 443} }
func (p *pipes) Close() error   { close(p.closed); return nil }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.calls:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.calls <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// inBubble runs a test with a rack whose clock is the test's own, with the
// driver's limits as they are in the field.
func inBubble(t *testing.T, test func(t *testing.T, r *rack)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rack{chassis: &notes{}, network: newPipes(), ledger: &bmc.Memory{}}
		r.BMC = redfish.New("m7", metal.Credential{User: "admin", Password: password}, r.chassis, nil)
		ctx, stop := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- r.Serve(ctx, r.network) }()
		r.record = metal.BMC{
			Machine: "m7", Address: r.network.Addr().String(), Protocol: metal.Redfish,
			Credential: "bmc/m7", Fingerprint: redfish.Fingerprint("m7"),
		}
		r.driver = r.another()
		t.Cleanup(func() { r.ClearFaults(); synctest.Wait(); stop(); require.NoError(t, <-served) })
		test(t, r)
	})
}

// another is the driver of another process at the same site.
func (r *rack) another() *bmc.Driver {
	d := driverWith(password)
	d.Request, d.Settle, d.Ledger = 0, 0, r.ledger
	d.DialBy(r.network.dial)
	return d
}

// known is what all drivers of the site know of the BMC.
func (r *rack) known() metal.BMCRecord { return r.ledger.Record(r.record.Machine) }

// tries asks for power so many times, one pause after another, and answers with
// the errors, nil for those that went well.
func (r *rack) tries(t *testing.T, times int, pause time.Duration) (all []error) {
	t.Helper()
	for range times {
		_, err := r.driver.Power(t.Context(), r.record)
		all = append(all, err)
		time.Sleep(pause)
	}
	return all
}
