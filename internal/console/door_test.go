package console_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/console/sos"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

func signer(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return s
}

// The whole way: SSH, the keeper, ipmitool, a BMC, and the machine's answer.
func TestATenantLogsInToTheirMachineOverItsConsole(t *testing.T) {
	t.Parallel()
	r := setup(t)
	k, _ := r.keeper("a")
	machine := r.bmc.Machine(t)
	claim := r.claim()
	require.NoError(t, r.store.ActivateDevice(t.Context(), claim, metal.Ending{State: metal.Active}))
	key := signer(t)
	r.exec("update devices set ssh_keys = array['" + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey()))) + "']")

	server := &sos.Server{HostKey: signer(t), Devices: r.store, Log: k.Log, Look: 50 * time.Millisecond,
		Attach: func(ctx context.Context, _ metal.SiteID, m metal.MachineID) (sos.Place, error) {
			return k.Attach(ctx, m)
		}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })

	screen := &journal{}
	in := r.dial(ln.Addr().String(), string(claim.Device), key, server.HostKey, screen)
	r.answers(machine, in, screen)
	require.Empty(t, r.recorded(), "no run is at work")

	_, err = r.store.ClaimDevice(t.Context(), metal.ClaimWish{Device: claim.Device, Action: metal.ActionDeprovision})
	require.NoError(t, err)
	r.eventually(func() bool { return strings.Contains(screen.String(), "The device is deprovisioning") }, "the tenant is sent away")
	events, err := r.store.Queries().ListEvents(t.Context(), query.ListEventsParams{Device: string(claim.Device), Most: 100})
	require.NoError(t, err)
	var told []string
	for _, e := range events {
		if e.Kind == "console" {
			told = append(told, e.Body)
		}
	}
	require.Contains(t, strings.Join(told, "\n"), "console opened with key "+ssh.FingerprintSHA256(key.PublicKey())+" from 127.0.0.1:")
}

// dial opens a terminal at the door.
func (r *rig) dial(addr, user string, key, host ssh.Signer, screen io.Writer) io.Writer {
	r.t.Helper()
	client, err := ssh.Dial("tcp", addr, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(host.PublicKey()),
	})
	require.NoError(r.t, err)
	r.t.Cleanup(func() { client.Close() })
	s, err := client.NewSession()
	require.NoError(r.t, err)
	s.Stdout = screen
	in, err := s.StdinPipe()
	require.NoError(r.t, err)
	require.NoError(r.t, s.RequestPty("xterm", 25, 80, nil))
	require.NoError(r.t, s.Shell())
	return in
}

// answers has the machine echo what is typed, as its getty would, until the
// tenant sees it.
func (r *rig) answers(machine net.Conn, in io.Writer, screen *journal) {
	r.t.Helper()
	go func() { _, _ = io.Copy(machine, machine) }()
	r.eventually(func() bool {
		_, err := io.WriteString(in, "root\r")
		require.NoError(r.t, err, screen.String())
		return strings.Contains(screen.String(), "root\r")
	}, "what is typed comes back")
}
