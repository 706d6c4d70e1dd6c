package workflows

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
	"millwright/internal/postgres/query"
	"millwright/internal/webhook"
)

// receiver is a tenant's endpoint, a real server, that answers as it is told
// to; and the webhook that posts there.
type receiver struct {
	*world
	id     metal.WebhookID
	secret string
	desk   webhook.Desk

	mu     sync.Mutex
	answer func(n int, id string) int // code of the n-th request
	got    []string                   // IDs of messages, in order
	types  []string
}

// receives gives the world a project with an endpoint.
func (w *world) receives(answer func(n int, id string) int) *receiver {
	w.t.Helper()
	r := &receiver{world: w, id: metal.WebhookID(uuid.NewString()), answer: answer}
	server := httptest.NewServer(r)
	w.t.Cleanup(server.Close)
	key := filepath.Join(w.t.TempDir(), "key")
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	require.NoError(w.t, os.WriteFile(key, raw, 0o600))
	keys, err := webhook.ReadKeys([]string{key})
	require.NoError(w.t, err)
	r.desk = webhook.Desk{Keys: keys, Rules: webhook.Rules{Plain: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	var sealed []byte
	r.secret, sealed = r.desk.NewSecret(r.id)
	q, project := w.store.Queries(), w.own("p")
	organization := uuid.NewString()
	require.NoError(w.t, q.InsertOrganization(w.t.Context(), query.InsertOrganizationParams{ID: organization, Name: "acme",
		Address: []byte("{}"), BillingAddress: []byte("{}"), CustomData: []byte("{}")}))
	require.NoError(w.t, q.InsertProject(w.t.Context(), query.InsertProjectParams{ID: project, Organization: organization, Name: "p",
		CustomData: []byte("{}"), Tags: []string{}}))
	require.NoError(w.t, q.InsertWebhook(w.t.Context(), query.InsertWebhookParams{ID: string(r.id), Project: project, Url: server.URL, Types: []string{}, Secret: sealed}))
	return r
}

// ServeHTTP takes a message that is signed, and answers.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	verify, bad := standard.NewWebhook(r.secret)
	if err != nil || bad != nil || verify.Verify(body, request.Header) != nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	var message struct{ Type string }
	_ = json.Unmarshal(body, &message) // the test sees that the type is missing
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.types = append(r.got, request.Header.Get("webhook-id")), append(r.types, message.Type)
	w.WriteHeader(r.answer(len(r.got), request.Header.Get("webhook-id")))
}

func always(code int) func(int, string) int { return func(int, string) int { return code } }

// happens makes an event that the webhook is to hear of.
func (r *receiver) happens(kind string) {
	r.t.Helper()
	typ, words := metal.TellTenants(kind, "words")
	require.NoError(r.t, r.store.Queries().InsertEvent(r.t.Context(), query.InsertEventParams{Project: r.own("p"), Kind: kind, Body: "words", Type: typ, Words: words}))
}

// deliver runs the endpoint's workflow to its end.
func (r *receiver) deliver(with ...func(*testsuite.TestWorkflowEnvironment)) *testsuite.TestWorkflowEnvironment {
	r.t.Helper()
	all := &activities.Webhooks{Store: r.store, Poster: webhook.NewClient(r.desk.Rules, r.desk.Keys), Runs: closedRuns{}}
	return r.runAs(WebhookRun(r.id), Webhook, WebhookInput{Webhook: r.id}, append([]func(*testsuite.TestWorkflowEnvironment){
		func(env *testsuite.TestWorkflowEnvironment) { env.RegisterActivity(all) },
		func(env *testsuite.TestWorkflowEnvironment) { env.SetStartTime(time.Now().Add(time.Second)) }, // what is due now, is due
	}, with...)...)
}

func (r *receiver) deliveries() []metal.Delivery {
	r.t.Helper()
	all, _, err := r.store.Deliveries(r.t.Context(), r.id, "", metal.Page{Limit: 1000})
	require.NoError(r.t, err)
	return all
}

func (r *receiver) webhook() metal.Webhook {
	r.t.Helper()
	w, err := r.store.Webhook(r.t.Context(), r.id)
	require.NoError(r.t, err)
	return w
}
