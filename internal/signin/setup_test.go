package signin_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/signin"
	"millwright/internal/stack/pgtest"
)

// world is the door on a database of its own, in front of some provider.
type world struct {
	t     *testing.T
	store *postgres.Store
	sql   *pgxpool.Pool
	front *httptest.Server
	url   string

	mu       sync.Mutex
	log      strings.Builder
	outcomes map[string]int
}

// provider starts one that knows a client by its name and secret, and returns
// its issuer.
type provider func(t *testing.T, callback, client, secret string) (issuer string)

const (
	client = "millwright"
	secret = "the-secret-of-the-client"
)

func setup(t *testing.T, start provider, change ...func(*signin.Config)) *world {
	t.Helper()
	dsn := pgtest.Database(t, postgres.Migrate)
	w := &world{t: t, outcomes: map[string]int{}}
	var err error
	w.store, err = postgres.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(w.store.Close)
	w.sql, err = pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(w.sql.Close)
	w.front = httptest.NewUnstartedServer(nil)
	w.url = "http://" + w.front.Listener.Addr().String()
	c := signin.Config{
		Issuer: start(t, w.url+"/login/callback", client, secret), ClientID: client, Secret: secret, Public: w.url + "/", Store: w.store,
		Log: slog.New(slog.NewTextHandler(w, nil)), Observe: w.observe,
	}
	for _, f := range change {
		f(&c)
	}
	w.front.Config.Handler = signin.New(c)
	w.front.Start()
	t.Cleanup(w.front.Close)
	return w
}

// Write is the door's log.
func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func (w *world) observe(outcome string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes[outcome]++
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.sql.QueryRow(w.t.Context(), sql, args...).Scan(&n))
	return n
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := w.sql.Exec(w.t.Context(), sql, args...)
	require.NoError(w.t, err)
}

// user is one that an operator made.
func (w *world) user(email string) string {
	w.t.Helper()
	id := uuid.NewString()
	w.exec(`insert into users (id, email) values ($1, $2)`, id, email)
	return id
}

// browser keeps cookies and follows redirections.
type browser struct {
	t *testing.T
	*http.Client
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return browser{t, &http.Client{Jar: jar}}
}

// look is a page, its code, and where it was found in the end.
func (b browser) look(address string) (int, string, *url.URL) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(b.t, err)
	return b.send(request)
}

func (b browser) send(request *http.Request) (int, string, *url.URL) {
	b.t.Helper()
	reply, err := b.Do(request)
	require.NoError(b.t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	require.NoError(b.t, err)
	return reply.StatusCode, string(text), reply.Request.URL
}

// post sends JSON as the command line does.
func (w *world) post(path, body string, headers ...string) (int, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
	require.NoError(w.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	code, text, _ := newBrowser(w.t).send(request)
	return code, text
}

var keyOnPage = regexp.MustCompile(`<pre>([A-Za-z0-9_-]{43})</pre>`)

// keyOf is the key on a page, and whose it is.
func (w *world) keyOf(page string) (string, metal.Caller) {
	w.t.Helper()
	found := keyOnPage.FindStringSubmatch(page)
	require.NotNil(w.t, found, page)
	caller, err := w.store.Caller(w.t.Context(), found[1])
	require.NoError(w.t, err)
	return found[1], caller
}

// listener is where a command line waits for its code.
func listener(t *testing.T) (address string, codes chan string) {
	t.Helper()
	codes = make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		codes <- r.URL.Query().Get("code")
		fmt.Fprint(w, "thanks")
	}))
	t.Cleanup(server.Close)
	return server.URL + "/abc", codes
}
