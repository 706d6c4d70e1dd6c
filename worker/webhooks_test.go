package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/stack/pgtest"
	"millwright/internal/stack/temporaltest"
	"millwright/internal/temporal"
	"millwright/internal/webhook"
)

// patience is how long a test waits for what a healthy worker does at once.
const patience = time.Minute

// listened is a whole worker with a database of its own, and the Internet in
// which it posts: this machine.
type listened struct {
	*testing.T
	sql  *pgxpool.Pool
	desk webhook.Desk
}

func listening(t *testing.T) *listened {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, make([]byte, 32), 0o600))
	cfg := Config{
		Control: true, Postgres: pgtest.Database(t, postgres.Migrate), AdminListen: "127.0.0.1:0", Concurrency: 20,
		Credentials: t.TempDir(),
		Temporal:    temporal.Config{Address: temporaltest.Frontend(t), Namespace: "webhooks-" + uuid.NewString()},
		Webhook:     webhook.Config{Key: []string{key}, Plain: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	}
	require.NoError(t, temporal.Register(t.Context(), cfg.Temporal, temporal.Every{Reconcile: time.Hour, Switches: time.Hour, Patrol: time.Hour}))
	l := &listened{T: t}
	keys, err := webhook.ReadKeys(cfg.Webhook.Key)
	require.NoError(t, err)
	l.desk = webhook.Desk{Rules: cfg.Webhook.Rules(), Keys: keys}
	l.sql, err = pgxpool.New(t.Context(), cfg.Postgres)
	require.NoError(t, err)
	t.Cleanup(l.sql.Close)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return l
}

func (l *listened) exec(sql string, args ...any) {
	l.Helper()
	_, err := l.sql.Exec(l.Context(), sql, args...)
	require.NoError(l, err)
}

// hook makes a webhook to a server, and returns what verifies its messages.
func (l *listened) hook(project, url string) *standard.Webhook {
	l.Helper()
	id := metal.WebhookID(uuid.NewString())
	secret, sealed := l.desk.NewSecret(id)
	l.exec(`insert into webhooks (id, project, url, secret) values ($1, $2, $3, $4)`, string(id), project, url, sealed)
	verify, err := standard.NewWebhook(secret)
	require.NoError(l, err)
	return verify
}

func TestAnEventReachesItsEndpointWhileAnotherOneHangs(t *testing.T) {
	t.Parallel()
	l := listening(t)
	organization, project := uuid.NewString(), uuid.NewString()
	l.exec(`insert into organizations (id, name) values ($1, 'acme')`, organization)
	l.exec(`insert into projects (id, organization, name) values ($1, $2, 'p')`, project, organization)

	asked, release := make(chan struct{}, 10), make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hangs.Close)
	t.Cleanup(func() { close(release) })
	l.hook(project, hangs.URL)

	type message struct {
		header http.Header
		body   []byte
	}
	got := make(chan message, 10)
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- message{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(answers.Close)
	verify := l.hook(project, answers.URL)

	for range 2 { // the first hangs by the time that the second comes
		l.exec(`insert into events (project, kind, body, type, words) values ($1, 'thing.happened', 'it did', 'thing.happened', 'it did')`, project)
		select {
		case m := <-got:
			require.NoError(t, verify.Verify(m.body, m.header))
			require.Contains(t, string(m.body), `"type":"thing.happened"`)
		case <-time.After(patience):
			t.Fatal("the message never came")
		}
	}
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatal("the endpoint that hangs was never asked")
	}
	require.Eventually(t, func() bool {
		var delivered int
		err := l.sql.QueryRow(t.Context(), `select count(*) from deliveries where state = 'delivered'`).Scan(&delivered)
		return err == nil && delivered == 2
	}, patience, 10*time.Millisecond)
}
