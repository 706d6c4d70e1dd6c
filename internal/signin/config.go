package signin

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"millwright/internal/metal"
)

// How long things last. A provider asks for a password and a second factor; the
// command line hears of its code at once.
const (
	signInLife  = 10 * time.Minute
	codeLife    = time.Minute
	sessionLife = 12 * time.Hour
)

// Config is what signing in needs.
type Config struct {
	Issuer   string
	ClientID string
	Secret   string   // of the client
	Domains  []string // of e-mail addresses that may sign in; none: all
	Public   string   // where browsers reach us, without a final slash
	Store    Store
	Log      *slog.Logger
	Observe  func(outcome string) // "done", "refused" or "broken"; nil: nobody counts
	Client   *http.Client         // to the provider; nil: one that waits ten seconds
}

// Store is what is remembered.
type Store interface {
	Ways
	Sessions
}

// Ways are sign-ins that are under way.
type Ways interface {
	BeginSignIn(context.Context, metal.SignIn, time.Duration) error
	TakeSignIn(ctx context.Context, state []byte) (metal.SignIn, error)
	KeepCode(context.Context, metal.SignInCode, time.Duration) error
	TakeCode(ctx context.Context, code []byte) (metal.SignInCode, error)
}

// Sessions are what a sign-in ends in.
type Sessions interface {
	Identify(context.Context, metal.Identity) (metal.User, error)
	OpenSession(context.Context, metal.Request, metal.Session) (ends time.Time, err error)
	EndSession(ctx context.Context, c metal.Request, hash []byte) error
}

// door is all of it.
type door struct {
	Config
	mu       sync.Mutex
	provider *oidc.Provider // nil until it has answered once
}

// New makes the handler of /login, what is below it, and /logout.
func New(c Config) http.Handler {
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 10 * time.Second}
	}
	c.Public = strings.TrimSuffix(c.Public, "/")
	d := &door{Config: c}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", d.answered(d.begin))
	mux.HandleFunc("GET /login/callback", d.answered(d.callback))
	mux.HandleFunc("POST /login/exchange", d.told(d.exchange))
	mux.HandleFunc("POST /logout", d.told(d.logout))
	return mux
}

// callbackURL is what the provider has to know of us.
func (d *door) callbackURL() string { return d.Public + "/login/callback" }

func (d *door) count(outcome string) {
	if d.Observe != nil {
		d.Observe(outcome)
	}
}
