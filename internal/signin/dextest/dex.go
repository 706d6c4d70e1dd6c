package dextest

import (
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// Password is everybody's.
const Password = "correct horse"

// Ada and Eve are who have an account, as dex knows their addresses.
const (
	Ada = "Ada@Example.net"
	Eve = "eve@elsewhere.example"
)

// Start starts dex for one client, and returns its issuer.
func Start(t *testing.T, callback, client, secret string) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	at := socket.Addr().String()
	require.NoError(t, socket.Close())
	hash, err := bcrypt.GenerateFromPassword([]byte(Password), bcrypt.MinCost+6)
	require.NoError(t, err)
	config := filepath.Join(t.TempDir(), "dex.yaml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
issuer: http://%[1]s/dex
storage: {type: memory}
web: {http: "%[1]s"}
oauth2: {skipApprovalScreen: true}
enablePasswordDB: true
staticClients: [{id: %[2]s, secret: %[3]s, name: Millwright, redirectURIs: ["%[4]s"]}]
staticPasswords:
  - {email: %[6]s, hash: "%[5]s", username: Ada, userID: a1}
  - {email: %[7]s, hash: "%[5]s", username: Eve, userID: e1}
`, at, client, secret, callback, hash, Ada, Eve), 0o600))
	command := exec.CommandContext(t.Context(), program(t), "serve", config)
	require.NoError(t, command.Start(), "build it first: make bin/dex")
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	issuer := "http://" + at + "/dex"
	require.Eventually(t, func() bool {
		reply, err := http.Get(issuer + "/.well-known/openid-configuration")
		if err != nil {
			return false
		}
		_ = reply.Body.Close()
		return reply.StatusCode == http.StatusOK
	}, 30*time.Second, 20*time.Millisecond, "dex does not answer at %s", issuer)
	return issuer
}

// program is bin/dex of the module that the test is in.
func program(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return filepath.Join(dir, "bin", "dex")
}

var formTarget = regexp.MustCompile(`action="([^"]+)"`)

// SignIn goes to an address that leads to dex, fills its form in, and returns
// where that leads in the end. The browser has to keep cookies.
func SignIn(t *testing.T, browser *http.Client, address, email, password string) (code int, page string, at *url.URL) {
	t.Helper()
	code, page, at = look(t, browser, http.MethodGet, address, "")
	require.Equal(t, http.StatusOK, code, page)
	target := formTarget.FindStringSubmatch(page)
	require.NotNil(t, target, page)
	to, err := at.Parse(html.UnescapeString(target[1]))
	require.NoError(t, err)
	return look(t, browser, http.MethodPost, to.String(), url.Values{"login": {email}, "password": {password}}.Encode())
}

func look(t *testing.T, browser *http.Client, method, address, form string) (int, string, *url.URL) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	reply, err := browser.Do(request)
	require.NoError(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply.StatusCode, string(text), reply.Request.URL
}
