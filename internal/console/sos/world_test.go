package sos_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"millwright/internal/console/sos"
	"millwright/internal/metal"
)

const (
	device   = "11111111-2222-3333-4444-555555555555"
	patience = 20 * time.Second
)

// world is one device with one machine, and whoever sits at its console.
type world struct {
	t      *testing.T
	addr   string
	stop   func()
	server *sos.Server
	log    *text

	mu     sync.Mutex
	seat   metal.ConsoleSeat
	known  error // why the device is not to be read
	deaf   error // why events are not recorded
	taken  error // why the console is not to be had
	events []string
	typed  text
	places map[*place]bool
}

type place struct {
	w      *world
	output chan []byte
	once   sync.Once
}

func (p *place) Output() <-chan []byte       { return p.output }
func (p *place) Write(b []byte) (int, error) { return p.w.typed.Write(b) }
func (p *place) Leave() {
	p.once.Do(func() { p.w.with(func() { delete(p.w.places, p) }); close(p.output) })
}
func (w *world) with(change func()) { w.mu.Lock(); defer w.mu.Unlock(); change() }
func (w *world) print(body string) {
	w.with(func() {
		for p := range w.places {
			p.output <- []byte(body)
		}
	})
}
func (w *world) recorded() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.events, "\n")
}

func (w *world) ConsoleSeat(_ context.Context, d metal.DeviceID) (metal.ConsoleSeat, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known != nil {
		return metal.ConsoleSeat{}, w.known
	}
	if d != device {
		return metal.ConsoleSeat{}, metal.ErrUnknownDevice
	}
	return w.seat, nil
}

func (w *world) Event(_ context.Context, claim metal.Claim, kind, body string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf != nil {
		return w.deaf
	}
	w.events = append(w.events, fmt.Sprintf("%s %s %s: %s", claim.Device, claim.Machine, kind, body))
	return nil
}

func (w *world) attach(_ context.Context, _ metal.SiteID, _ metal.MachineID) (sos.Place, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken != nil {
		return nil, w.taken
	}
	p := &place{w: w, output: make(chan []byte, 100)}
	w.places[p] = true
	return p, nil
}

func setup(t *testing.T, change ...func(*sos.Server)) *world {
	t.Helper()
	w := &world{t: t, places: map[*place]bool{}, log: &text{}}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	host, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	w.server = &sos.Server{
		HostKey: host, Devices: w, Attach: w.attach, Look: 20 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(w.server)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(ctx, ln) }()
	w.stop = sync.OnceFunc(func() { cancel(); require.NoError(t, <-ended) })
	t.Cleanup(w.stop)
	w.seat = metal.ConsoleSeat{Machine: "m1", Site: "lab1", State: metal.Active}
	return w
}

// key makes a key in a file, as ssh-keygen would.
func key(t *testing.T) (file, public string, signer ssh.Signer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	signer, err = ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return file, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " somebody@laptop", signer
}

// text is a buffer that is read while it is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *text) Write(p []byte) (int, error) { x.mu.Lock(); defer x.mu.Unlock(); return x.b.Write(p) }
func (x *text) String() string              { x.mu.Lock(); defer x.mu.Unlock(); return x.b.String() }

func (x *text) requireHas(t *testing.T, want string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(x.String(), want) }, patience, time.Millisecond, "want %q", want)
}

// person is OpenSSH's client at the door.
type person struct {
	t      *testing.T
	types  io.WriteCloser
	screen text
	ended  chan error
}

func (w *world) come(file, user string, more ...string) *person {
	w.t.Helper()
	_, err := exec.LookPath("ssh")
	require.NoError(w.t, err, "this test needs ssh: apt install openssh-client")
	host, port, err := net.SplitHostPort(w.addr)
	require.NoError(w.t, err)
	p := &person{t: w.t, ended: make(chan error, 1)}
	args := append([]string{"-F", "none", "-tt", "-e", "none", "-i", file, "-p", port, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"}, more...)
	cmd := exec.Command("ssh", append(args, user+"@"+host)...)
	cmd.Stdout, cmd.Stderr = &p.screen, &p.screen
	p.types, err = cmd.StdinPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, cmd.Start())
	go func() { p.ended <- cmd.Wait() }()
	w.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return p
}

func (p *person) requireLeaves(says string) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("still there; the screen: %s", p.screen.String())
	}
	require.Contains(p.t, p.screen.String(), says)
}

// letIn is a device's owner with a console open.
func (w *world) letIn() *person {
	w.t.Helper()
	file, public, _ := key(w.t)
	w.with(func() { w.seat.SSHKeys = append(w.seat.SSHKeys, public) })
	p := w.come(file, device)
	p.screen.requireHas(w.t, "Console of "+device)
	return p
}
