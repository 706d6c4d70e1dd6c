package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/signin"
)

func TestNobodyIsLedAnywhereButToTheirOwnMachine(t *testing.T) {
	t.Parallel()
	w := setup(t, newLiar(t).start)
	challenge := strings.Repeat("c", 43)
	ask := func(loopback, challenge string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			w.url+"/login?"+url.Values{"loopback": {loopback}, "challenge": {challenge}}.Encode(), http.NoBody)
		require.NoError(t, err)
		code, _, _ := stopped(t).send(request)
		return code
	}
	for _, good := range []string{"http://127.0.0.1:4711/", "http://127.0.0.1:4711/a_b-9", "http://[::1]:4711/x"} {
		require.Equal(t, http.StatusSeeOther, ask(good, challenge), good)
	}
	for _, bad := range []string{
		"https://127.0.0.1:4711/", "http://localhost:4711/", "http://127.0.0.1/", "http://127.0.0.1:0/", "http://127.0.0.2:4711/",
		"http://127.0.0.1.evil.example:80/", "http://evil.example:80/", "http://127.0.0.1:80@evil.example:80/", "http://evil.example#@127.0.0.1:80/",
		"http://user@127.0.0.1:4711/", "http://127.0.0.1:4711/?next=x", "http://127.0.0.1:4711/a/../b", "http://127.0.0.1:4711", "//127.0.0.1:4711/",
		"http:127.0.0.1:4711/", "http://[::1%25eth0]:4711/", "http://[::ffff:127.0.0.1]:4711/", "http://127.0.0.1:4711/\r\nX: y", "javascript:alert(1)",
		"http://127.0.0.1:4711/%2f", "http://127.0.0.1:99999/", "HTTP://127.0.0.1:4711/",
	} {
		require.Equal(t, http.StatusBadRequest, ask(bad, challenge), bad)
	}
	require.Equal(t, http.StatusBadRequest, ask("http://127.0.0.1:4711/", ""))
	require.Equal(t, http.StatusBadRequest, ask("http://127.0.0.1:4711/", "short"))
	require.Equal(t, http.StatusBadRequest, ask("", challenge))
	require.Equal(t, 3, w.count(`select count(*) from sign_ins`))
}

func TestTheCookieIsForOurSignInAlone(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"http://127.0.0.1:8080", "https://api.example.net"} {
		w := setup(t, newLiar(t).start, func(c *signin.Config) { c.Public = public })
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/login", http.NoBody)
		require.NoError(t, err)
		b := stopped(t)
		b.Jar = nil
		reply, err := b.Do(request)
		require.NoError(t, err)
		require.NoError(t, reply.Body.Close())
		require.Len(t, reply.Cookies(), 1)
		c := reply.Cookies()[0]
		require.True(t, c.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
		require.Equal(t, "/login", c.Path)
		require.Equal(t, strings.HasPrefix(public, "https:"), c.Secure)
		to, err := reply.Location()
		require.NoError(t, err)
		require.Equal(t, public+"/login/callback", to.Query().Get("redirect_uri"))
		require.Equal(t, "S256", to.Query().Get("code_challenge_method"))
		require.NotContains(t, to.String(), c.Value)
	}
}

func TestGarbageForAKeyIsRefusedInTheAPIsForm(t *testing.T) {
	t.Parallel()
	w := setup(t, newLiar(t).start)
	for body, want := range map[string]int{
		"":                         http.StatusUnprocessableEntity,
		"[1]":                      http.StatusUnprocessableEntity,
		`{"code":"x"}`:             http.StatusUnauthorized,
		`{"code":1}`:               http.StatusUnprocessableEntity,
		strings.Repeat(" ", 1<<16): http.StatusUnprocessableEntity,
		`{"code":"` + strings.Repeat("a", 43) + `","verifier":""}`: http.StatusUnauthorized,
	} {
		code, text := w.post("/login/exchange", body)
		require.Equal(t, want, code, body)
		require.Contains(t, text, `{"errors":["`)
	}
	code, text := w.post("/logout", "")
	require.Equal(t, http.StatusUnauthorized, code, text)
}
