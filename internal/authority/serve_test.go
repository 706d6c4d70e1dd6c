package authority_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/authority"
)

// served is a server with the certificate in a folder, and a proxy that leads to
// it.
func served(t *testing.T, dir string) (address, proxy string) {
	t.Helper()
	files, err := authority.Open(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello from ", r.Host) })
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	at, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	tunnels := authority.NewProxy([]string{name}, at.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(tls.NewListener(socket, files.Config())) }()
	go func() { _ = server.Serve(tls.NewListener(tunnels, files.Config())) }()
	connect := &http.Server{Handler: tunnels, ReadHeaderTimeout: time.Second}
	go func() { _ = connect.Serve(at) }()
	t.Cleanup(func() { _ = server.Close(); _ = connect.Close() })
	return socket.Addr().String(), at.Addr().String()
}

// curl is a client that we did not write.
func curl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "-m", "20"}, args...)...)
	command.Env = append(os.Environ(), "no_proxy=", "NO_PROXY=")
	said, err := command.CombinedOutput()
	return string(said), err
}

func TestAClientWithABuiltInNameReachesUs(t *testing.T) {
	t.Parallel()
	dir := made(t, name)
	address, proxy := served(t, dir)
	ca := filepath.Join(dir, "ca.pem")
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)

	said, err := curl(t, "--noproxy", "*", "--cacert", ca, "--resolve", name+":"+port+":127.0.0.1", "https://"+name+":"+port+"/")
	require.NoError(t, err, said)
	require.Equal(t, "hello from "+name+":"+port, said)

	said, err = curl(t, "--cacert", ca, "--proxy", "http://"+proxy, "https://"+name+"/")
	require.NoError(t, err, said)
	require.Equal(t, "hello from "+name, said)

	_, err = curl(t, "--proxy", "http://"+proxy, "https://"+name+"/")
	require.Error(t, err, "who does not trust the authority does not talk to us")
	for _, tls := range []string{"1.0", "1.1"} {
		_, err = curl(t, "--cacert", ca, "--proxy", "http://"+proxy, "--tlsv1.0", "--tls-max", tls, "https://"+name+"/")
		require.Error(t, err, tls)
	}
}

func TestTheProxyLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	dir := made(t, name)
	_, proxy := served(t, dir)
	theirs := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(theirs.Close)
	for _, target := range []string{"api.equinix.com:80", "api.packet.net:443", strings.TrimPrefix(theirs.URL, "http://"), "169.254.169.254:443", "[::1]:443"} {
		said, err := curl(t, "-p", "--proxy", "http://"+proxy, "http://"+target+"/")
		require.Error(t, err, "%s: %s", target, said)
		require.Contains(t, said, "403", target)
	}
	said, err := curl(t, "-o", "/dev/null", "-w", "%{http_code}", "--proxy", "http://"+proxy, theirs.URL)
	require.NoError(t, err)
	require.Equal(t, "405", said, "plain HTTP is not carried anywhere")
}

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	_, err := authority.Make(dir, []string{name}, time.Now().Add(-340*24*time.Hour))
	require.NoError(t, err)
	address, _ := served(t, dir)
	pool := x509.NewCertPool()
	text, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	require.True(t, pool.AppendCertsFromPEM(text))
	ends := func() time.Time {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, ServerName: name})
		require.NoError(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].NotAfter
	}
	before := ends()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "server.pem"), []byte("half a certi"), 0o600))
	require.Equal(t, before, ends(), "what cannot be read leaves what was")
	got, err := authority.Make(dir, []string{name}, time.Now())
	require.NoError(t, err)
	require.True(t, got.Server)
	require.Eventually(t, func() bool { return ends().After(before) }, 20*time.Second, 50*time.Millisecond)
}
