package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/packethost/packngo"
	"github.com/stretchr/testify/require"

	"millwright/internal/signin/dextest"
)

// freeAddress is one that nobody listened on a moment ago: a provider has to be
// told where we will be.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// serving runs starter serve until the test ends, and returns the addresses that
// it says, as often as it says one.
func (r *rig) serving(addresses int, args ...string) []string {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	var out, errs journal
	code := make(chan int, 1)
	args = append([]string{"serve", "--insecure-no-auth", "--admin-listen", "127.0.0.1:0", "--postgres", r.dsn, "--temporal-address", nowhere(r.t)}, args...)
	go func() { code <- execute(ctx, args, &out, &errs) }()
	r.t.Cleanup(func() {
		stop()
		require.Equal(r.t, exitDone, <-code, errs.String())
	})
	address := regexp.MustCompile(`https?://[0-9.]+:[0-9]+`)
	require.Eventually(r.t, func() bool { return len(address.FindAllString(errs.String(), -1)) == addresses }, patience, time.Millisecond, errs.String())
	return address.FindAllString(errs.String(), -1)
}

// command runs one that customers run: it is told of no database.
func command(t *testing.T, args ...string) (code int, out, errs *journal) {
	t.Helper()
	out, errs = &journal{}, &journal{}
	return execute(t.Context(), args, out, errs), out, errs
}

func TestSomebodySignsInFromTheCommandLine(t *testing.T) {
	t.Parallel()
	r := setup(t)
	listen := freeAddress(t)
	secretFile := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secretFile, []byte("s3cret\n"), 0o600))
	issuer := dextest.Start(t, "http://"+listen+"/login/callback", "millwright", "s3cret")
	at := r.serving(2, "--listen", listen, "--oidc-issuer", issuer, "--oidc-client-id", "millwright", "--oidc-secret-file", secretFile)

	keyFile := filepath.Join(t.TempDir(), "config", "key")
	var out, errs journal
	code := make(chan int, 1)
	go func() {
		code <- execute(t.Context(), []string{"login", "--api", at[0], "--key-file", keyFile}, &out, &errs)
	}()
	begin := regexp.MustCompile(`http://\S+/login\?\S+`)
	require.Eventually(t, func() bool { return begin.MatchString(errs.String()) }, patience, time.Millisecond)
	require.Contains(t, errs.String(), "ssh -L")
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	status, page, _ := dextest.SignIn(t, &http.Client{Jar: jar}, begin.FindString(errs.String()), dextest.Ada, dextest.Password)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "You can close this page")
	require.Equal(t, exitDone, <-code, errs.String())
	require.Contains(t, out.String(), "signed in until")
	stat, err := os.Stat(keyFile)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, stat.Mode().Perm())
	key, err := os.ReadFile(keyFile)
	require.NoError(t, err)
	require.NotContains(t, out.String()+errs.String(), strings.TrimSpace(string(key)))

	require.Equal(t, http.StatusOK, userWith(t, at[0], key))
	ended, _, said := command(t, "logout", "--api", at[0], "--key-file", keyFile)
	require.Equal(t, exitDone, ended, said.String())
	require.NoFileExists(t, keyFile)
	require.Equal(t, http.StatusUnauthorized, userWith(t, at[0], key))

	done, listed, said2 := r.cli("audit", "--caller", "ada@example.net", "-o", "json")
	require.Equal(t, exitDone, done, said2)
	var entries []map[string]any
	require.NoError(t, json.Unmarshal([]byte(listed), &entries))
	require.Len(t, entries, 1, listed)
	require.Equal(t, "/login/exchange", entries[0]["path"])
}

// userWith asks who a key is of.
func userWith(t *testing.T, at string, key []byte) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/metal/v1/user", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("X-Auth-Token", strings.TrimSpace(string(key)))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.NotEmpty(t, answer.Header.Get("X-RateLimit-Limit"))
	return answer.StatusCode
}

func TestClientsWithABuiltInAddressReachUsUnmodified(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.exec(`insert into users (id, email, operator) values ('00000000-0000-4000-8000-000000000001', 'op@example.net', true)`)
	r.exec(`insert into api_keys (id, "user", hash) values ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', sha256('a-key'))`)
	r.exec(`insert into organizations (id, name) values ('00000000-0000-4000-8000-000000000003', 'acme')`)
	r.exec(`insert into projects (id, organization, name) values ('00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000003', 'one')`)
	r.exec(`insert into memberships (id, "user", organization, roles) values ('00000000-0000-4000-8000-000000000005',
		'00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000003', '{owner}')`)
	dir := filepath.Join(t.TempDir(), "ca")
	code, out, errs := command(t, "ca", "make", "--dir", dir)
	require.Equal(t, exitDone, code, errs.String())
	require.Contains(t, out.String(), "SSL_CERT_FILE="+dir+"/ca.pem")
	code, out, errs = command(t, "ca", "make", "--dir", dir)
	require.Equal(t, exitDone, code, errs.String())
	require.NotContains(t, out.String(), "SSL_CERT_FILE", "said once")

	at := r.serving(4, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--connect-listen", "127.0.0.1:0",
		"--tls-certificate", filepath.Join(dir, "server.pem"), "--tls-key", filepath.Join(dir, "server.key"))
	pool := x509.NewCertPool()
	text, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	require.True(t, pool.AppendCertsFromPEM(text))
	proxy, err := url.Parse(at[3])
	require.NoError(t, err)
	trusting := &tls.Config{RootCAs: pool}
	byName := &http.Transport{TLSClientConfig: trusting, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(at[2], "https://"))
	}}
	for way, transport := range map[string]*http.Transport{"by name": byName, "by proxy": {TLSClientConfig: trusting, Proxy: http.ProxyURL(proxy)}} {
		t.Cleanup(transport.CloseIdleConnections)
		client := packngo.NewClientWithAuth("", "a-key", &http.Client{Transport: transport}) // which has https://api.equinix.com built in
		projects, _, err := client.Projects.List(nil)
		require.NoError(t, err, way)
		require.Len(t, projects, 1, way)
		require.Equal(t, "one", projects[0].Name, way)
	}

	curl := exec.CommandContext(t.Context(), "curl", "-sS", "-m", "20", "-H", "X-Auth-Token: a-key", "https://api.equinix.com/metal/v1/projects")
	curl.Env = []string{"PATH=" + os.Getenv("PATH"), "HTTPS_PROXY=" + at[3], "CURL_CA_BUNDLE=" + filepath.Join(dir, "ca.pem")}
	said, err := curl.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, string(said), `"name":"one"`)
}

func TestFlagsOfTheDoorThatContradictEachOtherAreNamed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for args, want := range map[string]string{
		"--rate=0":                           "nobody could ask anything",
		"--burst=0":                          "nobody could ask anything",
		"--oidc-client-id=x":                 "--oidc-issuer is missing",
		"--oidc-issuer=http://127.0.0.1:1/x": "needs --oidc-client-id and --oidc-secret-file",
		"--tls-listen=127.0.0.1:0":           "need --tls-certificate and --tls-key",
		"--connect-listen=127.0.0.1:0":       "need --tls-certificate and --tls-key",
		"--trusted-proxy=10.0.0.1/8":         "10.0.0.0/8",
		"--public-url=ftp://x --oidc-issuer=http://127.0.0.1:1/x --oidc-client-id=x --oidc-secret-file=" + empty: `--public-url "ftp://x"`,
		"--oidc-issuer=http://127.0.0.1:1/x --oidc-client-id=x --oidc-secret-file=" + empty:                      "browsers cannot be told",
	} {
		code, _, errs := r.cli(append([]string{"serve", "--insecure-no-auth", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, code, "%s: %s", args, errs)
		require.Contains(t, errs, want, args)
	}
}

func TestQuotasOfDevicesAreSetFromTheCommandLine(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, out, errs := r.cli("quota", "set", "acme", "devices/c1.small", "--most", "1")
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, "project acme may have 1 devices/c1.small; what it has above that, it keeps\n", out)
	order := []string{"provision", "--project", "acme", "--site", "lab1", "--plan", "c1.small", "--os", "debian_12"}
	code, _, errs = r.cli(order...)
	require.Equal(t, exitDone, code, errs)
	code, _, errs = r.cli(order...)
	require.Equal(t, exitNot, code)
	require.Contains(t, errs, "project acme has 1 of 1 devices/c1.small and asks for 1 more; release some, or raise its quota")
	_, out, _ = r.cli("quota", "show")
	require.Regexp(t, fmt.Sprintf(`acme +%s +1 +1`, regexp.QuoteMeta("devices/c1.small")), out)
	code, _, errs = r.cli("quota", "set", "acme", "devices/c9.huge", "--most", "1")
	require.NotEqual(t, exitDone, code)
	require.Contains(t, errs, `no plan is called "c9.huge"`)
}
