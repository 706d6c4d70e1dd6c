package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// rig is a boot service on loopback, with the world behind it.
type rig struct {
	t   *testing.T
	w   *world
	srv *server
	log *journal
}

const patience = 10 * time.Second

// journal is a log that several goroutines write and the test reads.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buf.Reset()
}

// setup starts the service and waits until it knows its machines.
func setup(t *testing.T, w *world) *rig {
	t.Helper()
	r := &rig{t: t, w: w, log: &journal{}}
	r.srv = opened(t, w, r.log)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.srv.run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	if !w.postgresAway {
		require.Eventually(t, r.srv.view.loaded, patience, time.Millisecond)
	}
	return r
}

func opened(t *testing.T, w *world, log io.Writer) *server {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"undionly.kpxe": "a BIOS program", "snponly.efi": "an EFI program", "vmlinuz": "a kernel",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "folder"), 0o700))
	srv, err := open(Config{
		Site: "lab1", Address: netip.MustParseAddr("127.0.0.1"), URL: "http://port.follows",
		DHCPListen: "127.0.0.1:0", TFTPListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
		IPXEFolder: folder, AgentFolder: folder, Images: ImageConfig{Folder: folder}, ErasureKey: filepath.Join(folder, "erasure.pem"),
		Lease: time.Hour, Resend: 5 * time.Millisecond, Reload: time.Minute, Stale: time.Minute,
	}, w, w, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, err)
	srv.URL = "http://" + srv.http.Addr().String()
	return srv
}

// from is a client that speaks from one address.
func from(addr string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
	return &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
}

// ask sends one request and gives the code and the body. Headers come in pairs.
func (r *rig) ask(addr, method, path, body string, header ...string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.srv.URL+path, strings.NewReader(body))
	require.NoError(r.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := from(addr).Do(req)
	require.NoError(r.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return res.StatusCode, string(text)
}

// token boots the agent as far as its script, and gives what the kernel would.
func (r *rig) token(addr string) string {
	r.t.Helper()
	code, script := r.ask(addr, "GET", "/boot.ipxe", "")
	require.Equal(r.t, http.StatusOK, code)
	found := regexp.MustCompile(`millwright\.token=([0-9a-f]{64}) `).FindStringSubmatch(script)
	require.Len(r.t, found, 2, script)
	return found[1]
}

func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	require.Eventually(r.t, holds, patience, time.Millisecond, what)
}

// metric is the value of one line of /metrics.
func (r *rig) metric(name string) string {
	res, err := http.Get("http://" + r.srv.admins.Addr().String() + "/metrics")
	require.NoError(r.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// agentIntent makes the machine's next boot the agent, with a job.
func (r *rig) agentIntent(id metal.MachineID, n metal.BootNumber, job metal.AgentJob) {
	r.w.change(id, func() {
		m := r.w.machines[id]
		m.Intent = metal.BootIntent{Number: n, Agent: true}
		r.w.machines[id], r.w.jobs[id] = m, job
	})
	r.eventually("memory follows", func() bool { m, _ := r.srv.view.byIDForTest(id); return m.Intent.Number == n && m.Intent.Agent })
}

func (r *rig) setJob(id metal.MachineID, job metal.AgentJob, agent bool) {
	r.w.change(id, func() {
		m := r.w.machines[id]
		m.Intent.Agent = agent
		r.w.machines[id], r.w.jobs[id] = m, job
	})
}

func (v *view) byIDForTest(id metal.MachineID) (metal.BootMachine, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	m, ok := v.byID[id]
	return m, ok
}
