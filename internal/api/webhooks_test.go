package api_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"millwright/internal/api"
	"millwright/internal/metal"
	"millwright/internal/webhook"
)

// hooked is the world's API with a key for webhooks.
func hooked(t *testing.T) *world {
	t.Helper()
	w := setup(t)
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("k", 32)), 0o600))
	keys, err := webhook.ReadKeys([]string{path})
	require.NoError(t, err)
	server := httptest.NewServer(api.New(api.Config{Store: w.store, Runs: w.runs, Log: slog.New(slog.DiscardHandler), WebhookRules: webhook.Desk{Keys: keys}}))
	t.Cleanup(server.Close)
	w.url = server.URL + api.Base
	return w
}

// hook makes a webhook of the world's project, and returns its path.
func (w *world) hook(types ...string) string {
	w.t.Helper()
	body := map[string]any{"url": "https://hooks.example/millwright", "types": append([]string{}, types...)}
	made := w.want(201, "owner", "POST", "/projects/"+w.project+"/webhooks", body)
	return "/webhooks/" + made.body["id"].(string)
}

// deliveries are the types of what is delivered to a webhook, oldest first.
func (w *world) deliveries(hook, query string) (all []string) {
	w.t.Helper()
	list := w.want(200, "owner", "GET", hook+"/deliveries"+query, nil).body["deliveries"].([]any)
	for _, d := range list {
		all = append([]string{d.(map[string]any)["type"].(string)}, all...)
	}
	return all
}

func TestAWebhooksSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	made := w.want(201, "admin", "POST", "/projects/"+w.project+"/webhooks", `{"url":"https://hooks.example/x?token=1","description":"ours","types":["instance.*"]}`)
	secret := made.body["secret"].(string)
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, secret)
	id := made.body["id"].(string)
	require.Equal(t, true, made.body["enabled"])
	require.Equal(t, "https://hooks.example/x?token=1", made.body["url"])
	require.Equal(t, []any{"instance.*"}, made.body["types"])
	require.Equal(t, map[string]any{"href": api.Base + "/projects/" + w.project}, made.body["project"])
	shown := w.want(200, "owner", "GET", "/webhooks/"+id, nil)
	listed := w.want(200, "owner", "GET", "/projects/"+w.project+"/webhooks", nil)
	require.Len(t, listed.body["webhooks"], 1)
	for _, answer := range []answer{shown, listed} {
		require.NotContains(t, answer.raw, "whsec_")
	}
	turned := w.want(200, "owner", "POST", "/webhooks/"+id+"/rotate", nil)
	require.NotEqual(t, secret, turned.body["secret"])
	var rows int
	require.NoError(t, w.sql.QueryRow(t.Context(), `select count(*) from webhooks where position(convert_to('whsec_', 'utf8') in secret) > 0`).Scan(&rows))
	require.Zero(t, rows, "it is sealed")
	var until time.Time
	require.NoError(t, w.sql.QueryRow(t.Context(), `select old_until from webhooks where id = $1`, id).Scan(&until))
	require.WithinDuration(t, time.Now().Add(24*time.Hour), until, time.Minute)
	posting := w.posting(id)
	require.Len(t, posting.Sealed, 2, "the old one signs too")
	w.exec(`update webhooks set old_until = now() - interval '1 second'`)
	require.Len(t, w.posting(id).Sealed, 1)
}

// posting is what an attempt of a test message to a webhook would need.
func (w *world) posting(id string) metal.Posting {
	w.t.Helper()
	test := w.want(201, "owner", "POST", "/webhooks/"+id+"/test", nil)
	p, err := w.store.Posting(w.t.Context(), metal.DeliveryID(test.body["id"].(string)))
	require.NoError(w.t, err)
	return p
}

func TestEventsAreDueToEachWebhookThatWantsThem(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	every, some, exact, none := w.hook(), w.hook("instance.*", "webhook.created"), w.hook("instance.active"), w.hook("instance")
	w.active("one")
	require.Equal(t, []string{"webhook.created", "webhook.created", "webhook.created", "instance.created", "provisioning.101", "provisioning.102", "instance.active"}, w.deliveries(every, ""))
	require.Equal(t, []string{"webhook.created", "webhook.created", "instance.created", "instance.active"}, w.deliveries(some, ""))
	require.Equal(t, []string{"instance.active"}, w.deliveries(exact, ""))
	require.Empty(t, w.deliveries(none, ""))
	require.Empty(t, w.deliveries(exact, "?state=delivered"))
	w.refused(w.do("owner", "GET", exact+"/deliveries?state=x", nil), 422, "state:")

	one := w.want(200, "owner", "GET", exact+"/deliveries", nil).body["deliveries"].([]any)[0].(map[string]any)
	require.Regexp(t, `^msg_[0-9a-f]{32}$`, one["id"])
	event := strings.TrimPrefix(one["event"].(map[string]any)["href"].(string), api.Base)
	require.Equal(t, "instance.active", w.want(200, "owner", "GET", event, nil).body["type"])

	w.want(204, "owner", "DELETE", exact, nil)
	w.refused(w.do("owner", "GET", exact, nil), 404, "Not found")
	w.active("two")
	var due int
	require.NoError(t, w.sql.QueryRow(t.Context(), `select count(*) from deliveries where webhook = $1 and state = 'due'`, strings.TrimPrefix(exact, "/webhooks/")).Scan(&due))
	require.Zero(t, due)
}

// A webhook of the others hears nothing, and an event that is not committed is
// due nowhere: both are the database's own doing.
func TestEventsAreDueToTheirOwnProjectAlone(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	made := w.want(201, "stranger", "POST", "/projects/"+w.otherProject+"/webhooks", `{"url":"https://hooks.example/"}`)
	w.active("one")
	list := w.want(200, "stranger", "GET", "/webhooks/"+made.body["id"].(string)+"/deliveries", nil)
	require.Empty(t, list.body["deliveries"])
}

func TestADeliveryIsReplayedUnderItsID(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	hook := w.hook()
	test := w.want(201, "owner", "POST", hook+"/test", nil)
	id := metal.DeliveryID(test.body["id"].(string))
	require.Equal(t, "webhook.test", test.body["type"])
	require.Nil(t, test.body["event"])
	_, err := w.store.NoteAttempt(t.Context(), metal.Attempt{Delivery: id, Number: 1, At: time.Now(), Code: 500, Outcome: "it answered 500"})
	require.NoError(t, err)
	failed := w.want(200, "owner", "GET", hook+"/deliveries/"+string(id), nil)
	require.Equal(t, "failed", failed.body["state"])
	require.EqualValues(t, 500, failed.body["code"])
	require.Equal(t, "it answered 500", failed.body["outcome"])
	again := w.want(200, "owner", "POST", hook+"/deliveries/"+string(id)+"/replay", nil)
	require.Equal(t, "due", again.body["state"])
	require.EqualValues(t, 0, again.body["attempts"])
	w.refused(w.do("owner", "POST", hook+"/deliveries/msg_none/replay", nil), 404, "Not found")
	w.refused(w.do("owner", "POST", w.hook()+"/deliveries/"+string(id)+"/replay", nil), 404, "Not found")
	w.refused(w.do("collaborator", "POST", hook+"/test", nil), 403, "operate")
	w.refused(w.do("stranger", "POST", hook+"/test", nil), 404, "Not found")
}

func TestADisabledWebhookSaysWhyAndIsEnabledAgain(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	hook, other := w.hook(), w.hook("webhook.disabled", "webhook.enabled")
	test := w.want(201, "owner", "POST", hook+"/test", nil)
	disabled, err := w.store.NoteAttempt(t.Context(), metal.Attempt{Delivery: metal.DeliveryID(test.body["id"].(string)), Number: 1, At: time.Now(), Code: 410, Outcome: "it answered 410", Gone: true})
	require.NoError(t, err)
	require.True(t, disabled)
	shown := w.want(200, "owner", "GET", hook, nil)
	require.Equal(t, false, shown.body["enabled"])
	require.Contains(t, shown.body["reason"], "410 Gone")
	require.Equal(t, []string{"webhook.disabled"}, w.deliveries(other, ""))
	require.Empty(t, w.deliveries(hook, "?state=due"))
	w.refused(w.do("owner", "POST", hook+"/test", nil), 422, "disabled")
	w.active("one")
	require.Empty(t, w.deliveries(hook, "?state=due"))
	require.Equal(t, true, w.want(200, "owner", "POST", hook+"/enable", nil).body["enabled"])
	require.Equal(t, []string{"webhook.disabled", "webhook.enabled"}, w.deliveries(other, ""))
	w.active("two")
	require.NotEmpty(t, w.deliveries(hook, "?state=due"))
}

func TestAWebhookIsChangedInPart(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	hook := w.hook("instance.*")
	for _, method := range []string{"PUT", "PATCH"} {
		got := w.want(200, "owner", method, hook, `{"description":"`+method+`"}`)
		require.Equal(t, method, got.body["description"])
		require.Equal(t, "https://hooks.example/millwright", got.body["url"])
		require.Equal(t, []any{"instance.*"}, got.body["types"])
	}
	got := w.want(200, "owner", "PUT", hook, `{"url":"https://other.example/","types":[]}`)
	require.Equal(t, "https://other.example/", got.body["url"])
	require.Empty(t, got.body["types"])
	w.refused(w.do("owner", "PUT", hook, `{"url":"https://10.0.0.1/"}`), 422, "url:")
	require.Equal(t, "https://other.example/", w.want(200, "owner", "GET", hook, nil).body["url"])
}

func TestAWebhookThatCannotBeIsRefusedByField(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	path := "/projects/" + w.project + "/webhooks"
	for body, word := range map[string]string{
		`{}`:                                    "url: missing",
		`{"url":""}`:                            "url: missing",
		`{"url":"http://hooks.example/"}`:       "url: it has to begin with https://",
		`{"url":"https://169.254.169.254/"}`:    "url: 169.254.169.254",
		`{"url":"https://me:s3cret@x.example"}`: "url: it holds",
		`{"url":7}`:                             "url: a JSON number does not fit",
		`{"url":"https://x.example","types":["%"]}`:                                    "types:",
		`{"url":"https://x.example","types":["a b"]}`:                                  "types:",
		`{"url":"https://x.example","types":"a"}`:                                      "types:",
		`{"url":"https://x.example","description":"` + strings.Repeat("x", 256) + `"}`: "description:",
		`{`: "body:",
	} {
		w.refused(w.do("owner", "POST", path, body), 422, word)
	}
	require.Empty(t, w.want(200, "owner", "GET", path, nil).body["webhooks"])
	for i := range 20 {
		w.want(201, "owner", "POST", path, fmt.Sprintf(`{"url":"https://x%d.example"}`, i))
	}
	w.refused(w.do("owner", "POST", path, `{"url":"https://x.example"}`), 422, "20 webhooks")
	require.Len(t, w.want(200, "owner", "GET", path+"?per_page=5&page=4", nil).body["webhooks"], 5)
}

func TestOneWebhookIsMadeUnderOneIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := hooked(t)
	path, body := "/projects/"+w.project+"/webhooks", `{"url":"https://x.example"}`
	first := w.want(201, "owner", "POST", path, body, "Idempotency-Key", "k")
	again := w.want(201, "owner", "POST", path, body, "Idempotency-Key", "k")
	require.Equal(t, first.body["id"], again.body["id"])
	require.Nil(t, again.body["secret"], "it was shown once")
	require.Len(t, w.want(200, "owner", "GET", path, nil).body["webhooks"], 1)
}

func TestWithoutAKeyThereAreNoWebhooks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.refused(w.do("owner", "POST", "/projects/"+w.project+"/webhooks", `{"url":"https://x.example"}`), 422, "--webhook-key")
	require.Empty(t, w.want(200, "owner", "GET", "/projects/"+w.project+"/webhooks", nil).body["webhooks"])
	w.refused(w.do("owner", "GET", "/webhooks/"+uuid.NewString(), nil), 404, "Not found")
}
