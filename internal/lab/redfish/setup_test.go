package redfish_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// rig is a BMC on a socket and a plain HTTPS client with Basic auth.
type rig struct {
	*redfish.BMC
	chassis *slow
	url     string
	client  *http.Client
	stop    context.CancelFunc
	served  chan error
}

// slow is a chassis that takes its time and notices being called twice at once.
type slow struct {
	t     *testing.T
	mu    sync.Mutex
	inUse sync.Mutex
	gate  chan struct{} // each call takes one, unless nil
	calls []string
}

func (s *slow) PowerOn(device metal.BootDevice) { s.call("on:" + string(device)) }
func (s *slow) PowerOff()                       { s.call("off") }

func (s *slow) call(name string) {
	if !s.inUse.TryLock() {
		s.t.Error("chassis called while another call is under way")
		return
	}
	defer s.inUse.Unlock()
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
}

func (s *slow) read() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

func setup(t *testing.T) *rig {
	t.Helper()
	r := &rig{chassis: &slow{t: t}, served: make(chan error, 1)}
	r.BMC = redfish.New("m7", metal.Credential{User: "admin", Password: "secret"}, r.chassis, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { r.served <- r.Serve(ctx, ln); close(r.served) }()
	t.Cleanup(func() { stop(); <-r.served })
	r.url = "https://" + ln.Addr().String()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the pin is tested by itself
	t.Cleanup(transport.CloseIdleConnections)
	r.client = &http.Client{Transport: transport, Timeout: 10 * time.Second}
	return r
}

// do sends one request with Basic auth and decodes the answer.
func (r *rig) do(t *testing.T, method, path string, body any, header ...string) (int, http.Header, map[string]any) {
	t.Helper()
	req := r.request(t, method, path, body)
	req.SetBasicAuth("admin", "secret")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return r.send(t, req)
}

func (r *rig) request(t *testing.T, method, path string, body any) *http.Request {
	t.Helper()
	sent, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, bytes.NewReader(sent))
	require.NoError(t, err)
	return req
}

func (r *rig) send(t *testing.T, req *http.Request) (int, http.Header, map[string]any) {
	t.Helper()
	resp, err := r.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	var answer map[string]any
	if resp.StatusCode != http.StatusNoContent {
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	}
	return resp.StatusCode, resp.Header, answer
}

const (
	system   = "/redfish/v1/Systems/1"
	resets   = system + "/Actions/ComputerSystem.Reset"
	sessions = "/redfish/v1/SessionService/Sessions"
)

func (r *rig) reset(t *testing.T, kind string) int {
	t.Helper()
	status, _, _ := r.do(t, http.MethodPost, resets, map[string]string{"ResetType": kind})
	return status
}

func (r *rig) override(t *testing.T, target, enabled string) int {
	t.Helper()
	status, _, _ := r.do(t, http.MethodPatch, system, map[string]any{
		"Boot": map[string]string{"BootSourceOverrideTarget": target, "BootSourceOverrideEnabled": enabled},
	})
	return status
}

func (r *rig) login(t *testing.T, password string) (status int, token, location string) {
	t.Helper()
	status, header, _ := r.send(t, r.request(t, http.MethodPost, sessions, map[string]string{"UserName": "admin", "Password": password}))
	return status, header.Get("X-Auth-Token"), header.Get("Location")
}

func (r *rig) requireCalls(t *testing.T, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(r.chassis.read()) >= len(want) }, 5*time.Second, time.Millisecond)
	require.Equal(t, want, r.chassis.read())
}

func (r *rig) loginAs(t *testing.T, user, password string) int {
	t.Helper()
	status, _, _ := r.send(t, r.request(t, http.MethodPost, sessions, map[string]string{"UserName": user, "Password": password}))
	return status
}

// serveImage is a web server beside the BMC, with one file.
func serveImage(t *testing.T, image []byte) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(image) }))
	t.Cleanup(server.Close)
	return server.URL + "/firmware.bin"
}
