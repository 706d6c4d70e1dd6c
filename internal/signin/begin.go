package signin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"millwright/internal/metal"
)

// cookieName is of what binds a sign-in to the browser that began it.
const cookieName = "millwright_sign_in"

// begin sends a browser to the provider: of a person; or, with loopback and
// challenge, for a command line.
func (d *door) begin(w http.ResponseWriter, r *http.Request) (page, error) {
	q := r.URL.Query()
	loopback, challenge := q.Get("loopback"), q.Get("challenge")
	switch {
	case loopback != "" && !isLoopback(loopback):
		return page{}, refuse(http.StatusBadRequest, "loopback: want http://127.0.0.1:port/ or http://[::1]:port/, where the command line listens")
	case loopback != "" && !secretForm.MatchString(challenge), loopback == "" && challenge != "":
		return page{}, refuse(http.StatusBadRequest, "challenge: want the SHA-256 of a verifier in base64url, together with loopback")
	}
	ways, err := d.ways(r)
	if err != nil {
		return page{}, err
	}
	state, cookie := random(), random()
	in := metal.SignIn{State: hashed(state), Browser: hashed(cookie), Loopback: loopback, Challenge: challenge}
	if err := d.Store.BeginSignIn(r.Context(), in, signInLife); err != nil {
		return page{}, err
	}
	http.SetCookie(w, d.cookie(cookie, int(signInLife.Seconds())))
	return page{to: ways.AuthCodeURL(state, oidc.Nonce(derived(cookie, "nonce", state)),
		oauth2.S256ChallengeOption(derived(cookie, "verifier", state)))}, nil
}

// cookie is sent along when the provider leads the browser back (Lax), and to
// nothing else of ours.
func (d *door) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/login", MaxAge: age,
		HttpOnly: true, Secure: strings.HasPrefix(d.Public, "https://"), SameSite: http.SameSiteLaxMode,
	}
}

// ways is the provider, as this program is its client. Who cannot be reached
// when we start is asked again by the next one who signs in.
func (d *door) ways(r *http.Request) (*oauth2.Config, error) {
	provider, err := d.known(r)
	if err != nil {
		return nil, broken("ask the sign-in provider "+d.Issuer+" what it can do", err)
	}
	return &oauth2.Config{
		ClientID: d.ClientID, ClientSecret: d.Secret, Endpoint: provider.Endpoint(), RedirectURL: d.callbackURL(),
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}, nil
}

func (d *door) known(r *http.Request) (*oidc.Provider, error) {
	d.mu.Lock()
	provider := d.provider
	d.mu.Unlock()
	if provider != nil {
		return provider, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(r.Context(), d.Client), d.Issuer)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.provider = provider
	d.mu.Unlock()
	return provider, nil
}

// withCode is where the command line listens, with what it waits for.
func withCode(loopback, code string) string {
	return loopback + "?" + url.Values{"code": {code}}.Encode()
}
