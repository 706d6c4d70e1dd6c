package signin_test

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// liar is a provider that says what a test wants it to: everybody is signed in
// at once.
type liar struct {
	key    *rsa.PrivateKey
	nonce  string         // of the last who was sent here
	claims map[string]any // instead of the honest ones
	signed *rsa.PrivateKey
	down   bool
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return &liar{key: key, signed: key}
}

func (l *liar) start(t *testing.T, _, client, secret string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if l.down {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		answer(w, map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/auth", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []map[string]string{{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one",
			"n": text(l.key.N.Bytes()), "e": text(big.NewInt(int64(l.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("GET /auth", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		l.nonce = q.Get("nonce")
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {"c"}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, word, _ := r.BasicAuth()
		if id != client || word != secret {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		claims := map[string]any{
			"iss": issuer, "aud": client, "sub": "s1", "nonce": l.nonce, "email": "ada@example.net", "email_verified": true,
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		}
		maps.Copy(claims, l.claims)
		answer(w, map[string]any{"access_token": "t", "token_type": "Bearer", "id_token": l.sign(claims)})
	})
	server.Config.Handler = mux
	server.Start()
	t.Cleanup(server.Close)
	return issuer
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign makes a JSON Web Token (RFC 7515).
func (l *liar) sign(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	signed := text([]byte(`{"alg":"RS256","kid":"one"}`)) + "." + text(body)
	sum := sha256.Sum256([]byte(signed))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, l.signed, crypto.SHA256, sum[:])
	return signed + "." + text(signature)
}

func TestWhatAProviderShouldNeverSayIsNotBelieved(t *testing.T) {
	t.Parallel()
	forged, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	l := newLiar(t)
	w := setup(t, l.start)
	w.user("ada@example.net")
	refused := 0
	for name, lie := range map[string]struct {
		claims map[string]any
		signed *rsa.PrivateKey
		told   string
	}{
		"another nonce":        {map[string]any{"nonce": "another"}, nil, "cannot be believed"},
		"no nonce":             {map[string]any{"nonce": ""}, nil, "cannot be believed"},
		"another audience":     {map[string]any{"aud": "another"}, nil, "cannot be believed"},
		"another issuer":       {map[string]any{"iss": "http://127.0.0.1:9"}, nil, "cannot be believed"},
		"an expired token":     {map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}, nil, "cannot be believed"},
		"a forged signature":   {nil, forged, "cannot be believed"},
		"an unverified e-mail": {map[string]any{"email_verified": false}, nil, "has not verified that ada@example.net is yours"},
		"nothing of verifying": {map[string]any{"email_verified": nil}, nil, "has not verified"},
		"no e-mail":            {map[string]any{"email": ""}, nil, "does not say what your e-mail address is"},
		"two e-mails":          {map[string]any{"email": "ada@example.net,eve@example.net"}, nil, "no plain e-mail address"},
		"markup as an e-mail":  {map[string]any{"email": "<b>ada</b>@example.net"}, nil, "no plain e-mail address"},
	} {
		l.claims, l.signed = lie.claims, cmp.Or(lie.signed, l.key)
		refused++
		code, page, _ := newBrowser(t).look(w.url + "/login")
		require.Equal(t, http.StatusForbidden, code, "%s: %s", name, page)
		require.Contains(t, page, lie.told, name)
		require.Zero(t, w.count(`select count(*) from api_keys`), name)
		require.Zero(t, w.count(`select count(*) from users where subject is not null`), name)
		require.Equal(t, map[string]int{"refused": refused}, w.outcomes, name)
		require.Zero(t, w.count(`select count(*) from changes`), "who is not signed in leaves no row")
	}
}

func TestAnAddressIsAdoptedByOnePersonOnly(t *testing.T) {
	t.Parallel()
	l := newLiar(t)
	w := setup(t, l.start)
	id := w.user("ada@example.net")
	_, page, _ := newBrowser(t).look(w.url + "/login")
	_, caller := w.keyOf(page)
	require.EqualValues(t, id, caller.User)

	l.claims = map[string]any{"sub": "s2"}
	code, page, _ := newBrowser(t).look(w.url + "/login")
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, page, "somebody else signed in with this address before")

	l.claims = map[string]any{"email": "countess@example.net", "email_verified": "true"}
	_, page, _ = newBrowser(t).look(w.url + "/login")
	_, caller = w.keyOf(page)
	require.EqualValues(t, id, caller.User, "the subject is the person, whatever the address is by now")
}

// stopped is a browser that goes nowhere by itself.
func stopped(t *testing.T) browser {
	b := newBrowser(t)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

func (b browser) redirect(address string) *url.URL {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(b.t, err)
	reply, err := b.Do(request)
	require.NoError(b.t, err)
	defer reply.Body.Close()
	to, err := reply.Location()
	require.NoError(b.t, err)
	return to
}

func TestAStateIsGoodOnceAndInOneBrowser(t *testing.T) {
	t.Parallel()
	w := setup(t, newLiar(t).start)
	victim, thief := stopped(t), stopped(t)
	back := victim.redirect(victim.redirect(w.url + "/login").String()).String()

	thief.redirect(w.url + "/login") // so that it has a cookie of its own
	code, page, _ := thief.look(back)
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, page, "begin again")

	back = victim.redirect(victim.redirect(w.url + "/login").String()).String()
	jar := victim.Jar // as it was before the answer ended the cookie
	at, err := url.Parse(w.url + "/login")
	require.NoError(t, err)
	kept := jar.Cookies(at)
	code, page, _ = victim.look(back)
	require.Equal(t, http.StatusOK, code, page)
	for _, c := range kept {
		c.Path = "/login"
	}
	jar.SetCookies(at, kept)
	code, page, _ = victim.look(back)
	require.Equal(t, http.StatusBadRequest, code, page)
	require.Equal(t, 1, w.count(`select count(*) from api_keys`))
}

func TestASignInThatTookTooLongIsOver(t *testing.T) {
	t.Parallel()
	w := setup(t, newLiar(t).start)
	b := stopped(t)
	back := b.redirect(b.redirect(w.url + "/login").String()).String()
	w.exec(`update sign_ins set expires_at = now() - interval '1 second'`)
	code, _, _ := b.look(back)
	require.Equal(t, http.StatusBadRequest, code)
}

func TestAProviderThatIsAwayIsAskedAgain(t *testing.T) {
	t.Parallel()
	l := newLiar(t)
	l.down = true
	w := setup(t, l.start)
	code, page, _ := newBrowser(t).look(w.url + "/login")
	require.Equal(t, http.StatusBadGateway, code)
	require.Contains(t, page, "does not answer as it should")
	require.Equal(t, map[string]int{"broken": 1}, w.outcomes)
	l.down = false
	code, page, _ = newBrowser(t).look(w.url + "/login")
	require.Equal(t, http.StatusOK, code, page)
	require.NotContains(t, w.logged(), secret)
}

func TestTheProvidersRefusalIsShownAsText(t *testing.T) {
	t.Parallel()
	w := setup(t, newLiar(t).start)
	b := stopped(t)
	state := b.redirect(w.url + "/login").Query().Get("state")
	code, page, _ := b.look(w.url + "/login/callback?" + url.Values{"state": {state}, "error": {"<script>access_denied"}}.Encode())
	require.Equal(t, http.StatusForbidden, code)
	require.Contains(t, page, "&lt;script&gt;access_denied")
}
