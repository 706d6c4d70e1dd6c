package signin_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/signin"
	"millwright/internal/signin/dextest"
)

const password = dextest.Password

func (b browser) signIn(address, email, password string) (int, string, *url.URL) {
	b.t.Helper()
	return dextest.SignIn(b.t, b.Client, address, email, password)
}

func TestSomebodyWhoSignsInGetsAKeyThatEndsByItself(t *testing.T) {
	t.Parallel()
	w := setup(t, dextest.Start)
	b := newBrowser(t)
	code, page, _ := b.signIn(w.url+"/login", "Ada@Example.net", password)
	require.Equal(t, http.StatusOK, code, page)
	key, caller := w.keyOf(page)
	require.True(t, caller.Session)
	require.Equal(t, "ada@example.net", caller.Email)
	require.Equal(t, 1, w.count(`select count(*) from api_keys where session and expires_at between now() + interval '11 hours 59 minutes' and now() + interval '12 hours'`))
	require.Equal(t, 1, w.count(`select count(*) from users where email = 'ada@example.net' and subject is not null and name = 'Ada'`))
	require.Equal(t, 1, w.count(`select count(*) from changes where caller = $1 and path = '/login/callback' and outcome = 'done' and source = '127.0.0.1'`, caller.Name()))

	code, page, _ = newBrowser(t).signIn(w.url+"/login", "Ada@Example.net", password)
	require.Equal(t, http.StatusOK, code, page)
	_, again := w.keyOf(page)
	require.Equal(t, caller.User, again.User, "the same person is the same user")
	require.NotEqual(t, caller.Key, again.Key)

	code, text := w.post("/logout", "", "X-Auth-Token", key)
	require.Equal(t, http.StatusNoContent, code, text)
	_, err := w.store.Caller(t.Context(), key)
	require.Error(t, err)
	code, _ = w.post("/logout", "", "Authorization", "Bearer "+key)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Zero(t, w.count(`select count(*) from sign_ins`), "nothing is left of a sign-in that ended")
}

func TestAWrongPasswordLeadsNowhere(t *testing.T) {
	t.Parallel()
	w := setup(t, dextest.Start)
	_, page, _ := newBrowser(t).signIn(w.url+"/login", "Ada@Example.net", "guess")
	require.NotRegexp(t, keyOnPage, page)
	require.Zero(t, w.count(`select count(*) from users`))
}

func TestAUserWhomAnOperatorMadeIsAdopted(t *testing.T) {
	t.Parallel()
	w := setup(t, dextest.Start)
	id := w.user("ada@example.net")
	_, page, _ := newBrowser(t).signIn(w.url+"/login", "Ada@Example.net", password)
	_, caller := w.keyOf(page)
	require.EqualValues(t, id, caller.User)
}

func TestADisabledUserIsNotSignedIn(t *testing.T) {
	t.Parallel()
	w := setup(t, dextest.Start)
	w.exec(`update users set disabled_at = now() where id = $1`, w.user("ada@example.net"))
	code, page, _ := newBrowser(t).signIn(w.url+"/login", "Ada@Example.net", password)
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, page, "this user is disabled")
	require.Zero(t, w.count(`select count(*) from api_keys`))
}

func TestOnlyAllowedDomainsSignIn(t *testing.T) {
	t.Parallel()
	w := setup(t, dextest.Start, func(c *signin.Config) { c.Domains = []string{"EXAMPLE.net"} })
	code, page, _ := newBrowser(t).signIn(w.url+"/login", "eve@elsewhere.example", password)
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, page, "addresses of elsewhere.example may not sign in here")
	code, _, _ = newBrowser(t).signIn(w.url+"/login", "Ada@Example.net", password)
	require.Equal(t, http.StatusOK, code)
}

func TestTheCommandLineChangesACodeForAKeyOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, dextest.Start)
	loopback, codes := listener(t)
	verifier := strings.Repeat("v", 43)
	address := w.url + "/login?" + url.Values{"loopback": {loopback}, "challenge": {signin.Challenge(verifier)}}.Encode()

	code, page, at := newBrowser(t).signIn(address, "Ada@Example.net", password)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "thanks", page)
	require.Equal(t, "/abc", at.Path)
	given := <-codes
	require.Zero(t, w.count(`select count(*) from api_keys`), "no key is made that nobody fetches")

	code, text := w.post("/login/exchange", `{"code":"`+given+`","verifier":"`+verifier+`"}`)
	require.Equal(t, http.StatusCreated, code, text)
	var got struct{ Key string }
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	caller, err := w.store.Caller(t.Context(), got.Key)
	require.NoError(t, err)
	require.Equal(t, "ada@example.net", caller.Email)

	code, text = w.post("/login/exchange", `{"code":"`+given+`","verifier":"`+verifier+`"}`)
	require.Equal(t, http.StatusUnauthorized, code, text)
	require.Contains(t, text, "code: it was used")
}

func TestAWrongVerifierSpendsTheCode(t *testing.T) {
	t.Parallel()
	w := setup(t, dextest.Start)
	loopback, codes := listener(t)
	verifier := strings.Repeat("v", 43)
	address := w.url + "/login?" + url.Values{"loopback": {loopback}, "challenge": {signin.Challenge(verifier)}}.Encode()
	newBrowser(t).signIn(address, "Ada@Example.net", password)
	given := <-codes
	for _, v := range []string{strings.Repeat("w", 43), verifier} {
		code, text := w.post("/login/exchange", `{"code":"`+given+`","verifier":"`+v+`"}`)
		require.Equal(t, http.StatusUnauthorized, code, text)
	}
}
