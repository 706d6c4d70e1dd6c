package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"millwright/internal/api"
	"millwright/internal/postgres"
	"millwright/internal/signin"
)

// doorFlags are how strangers become callers, and how often callers may ask.
type doorFlags struct {
	Rate         float64     `default:"50" help:"How often a second each user may ask, with all of its keys, and each key of a project; operators ten times as often."`
	Burst        int         `default:"200" help:"How much of it at once."`
	TrustedProxy []prefixArg `placeholder:"PREFIX" help:"Your own proxies: their X-Forwarded-For says where a request comes from. Nobody else's is heard."`
	PublicURL    string      `name:"public-url" placeholder:"URL" help:"Where browsers reach this endpoint; needed for sign-in, unless it listens on a loopback address."`

	OIDCIssuer      string   `name:"oidc-issuer" placeholder:"URL" help:"Sign people in by this OpenID Connect provider. It has to know us as a client that comes back to <public-url>/login/callback."`
	OIDCClientID    string   `name:"oidc-client-id" placeholder:"ID" help:"As whom the provider knows us."`
	OIDCSecretFile  string   `name:"oidc-secret-file" type:"existingfile" placeholder:"FILE" help:"File with the secret that the provider gave us."`
	OIDCAllowDomain []string `name:"oidc-allow-domain" placeholder:"DOMAIN" help:"Only e-mail addresses of these domains may sign in."`
}

// check refuses flags that contradict each other.
func (d doorFlags) check() error {
	if d.Rate <= 0 || d.Burst < 1 {
		return usage(fmt.Errorf("--rate %g --burst %d: nobody could ask anything; want more than 0 a second, and at least 1 at once", d.Rate, d.Burst))
	}
	if d.OIDCIssuer == "" {
		if d.OIDCClientID != "" || d.OIDCSecretFile != "" || len(d.OIDCAllowDomain) > 0 {
			return usage(errors.New("--oidc-issuer is missing; it says which provider the other --oidc flags are for"))
		}
		return nil
	}
	if d.OIDCClientID == "" || d.OIDCSecretFile == "" {
		return usage(errors.New("--oidc-issuer needs --oidc-client-id and --oidc-secret-file, as the provider gave them to you"))
	}
	return nil
}

// public is where browsers find us: what was given; or where we listen, if that
// is on this very machine.
func (d doorFlags) public(listen string) (string, error) {
	if d.PublicURL == "" {
		if at, err := netip.ParseAddrPort(listen); err == nil && at.Addr().IsLoopback() && at.Port() != 0 {
			return "http://" + listen, nil
		}
		return "", usage(fmt.Errorf("--public-url is missing: browsers cannot be told to come back to %s", listen))
	}
	u, err := url.Parse(d.PublicURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", usage(fmt.Errorf("--public-url %q: want https://host, without a path", d.PublicURL))
	}
	return strings.TrimSuffix(d.PublicURL, "/"), nil
}

// secret is the first line of its file.
func (d doorFlags) secret() (string, error) {
	text, err := os.ReadFile(d.OIDCSecretFile)
	if err != nil {
		return "", fmt.Errorf("read the secret of the sign-in client: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", usage(fmt.Errorf("%s holds no secret; put what the provider gave you on its first line", d.OIDCSecretFile))
	}
	return line, nil
}

// open puts sign-in beside what is served already, and names the source of each
// request.
func (d doorFlags) open(listen string, store *postgres.Store, limits *api.Limits, m *metrics, log *slog.Logger, rest http.Handler) (http.Handler, error) {
	trusted := make([]netip.Prefix, len(d.TrustedProxy))
	for i, p := range d.TrustedProxy {
		trusted[i] = p.Prefix
	}
	if d.OIDCIssuer == "" {
		return api.BehindProxies(trusted, rest), nil
	}
	public, err := d.public(listen)
	if err != nil {
		return nil, err
	}
	secret, err := d.secret()
	if err != nil {
		return nil, err
	}
	people := limits.Visits(signin.New(signin.Config{
		Issuer: d.OIDCIssuer, ClientID: d.OIDCClientID, Secret: secret, Domains: d.OIDCAllowDomain, Public: public,
		Store: store, Log: log, Observe: m.signIns(),
	}))
	return api.BehindProxies(trusted, besideLogin(people, rest)), nil
}

// besideLogin serves what people need to sign in and out, and the rest as before.
func besideLogin(people, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" || r.URL.Path == "/logout" || strings.HasPrefix(r.URL.Path, "/login/") {
			people.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// signIns counts them by what came of them.
func (m *metrics) signIns() func(outcome string) {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "millwright_sign_ins_total", Help: "Sign-ins of people, by outcome: done, refused, or broken on our or the provider's side.",
	}, []string{"outcome"})
	m.registry.MustRegister(counter)
	return func(outcome string) { counter.WithLabelValues(outcome).Inc() }
}

// customers counts what the customers' API answers: what was asked with a key
// that opens nothing has the code 401.
func (m *metrics) customers(route string, code int, took time.Duration) {
	method, path, _ := strings.Cut(route, " ")
	m.count(api.Base+path, method, strconv.Itoa(code), took)
}
