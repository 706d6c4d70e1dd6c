package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/webhook"
)

// lab lets webhooks reach this machine, without TLS.
var lab = webhook.Rules{Plain: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

// sealer is keys of a test's own.
func sealer(t *testing.T) *webhook.Keys {
	t.Helper()
	keys, err := webhook.ReadKeys([]string{keyFile(t, 1, 32)})
	require.NoError(t, err)
	return keys
}

func TestAMessageIsVerifiedByTheLibraryOfItsReceiver(t *testing.T) {
	t.Parallel()
	old, fresh := webhook.NewSecret(), webhook.NewSecret()
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	keys := sealer(t)
	message := metal.WebhookMessage{ID: "msg_1", Webhook: "a", URL: server.URL + "/hook", Time: time.Now(), Body: []byte(`{"type":"x"}`),
		Sealed: [][]byte{keys.Seal("a", fresh), keys.Seal("a", old)}}
	code, err := webhook.NewClient(lab, keys).Post(t.Context(), message)
	require.NoError(t, err)
	require.Equal(t, 200, code)
	require.Equal(t, "application/json", header.Get("Content-Type"))
	require.Equal(t, "msg_1", header.Get("webhook-id"))
	for _, secret := range []string{old, fresh} {
		receiver, err := standard.NewWebhook(secret)
		require.NoError(t, err)
		require.NoError(t, receiver.Verify(body, header))
		require.Error(t, receiver.Verify(append(body, ' '), header))
	}
	another, err := standard.NewWebhook(webhook.NewSecret())
	require.NoError(t, err)
	require.Error(t, another.Verify(body, header))
}

// The server would answer; that nobody asks it is the point.
func TestWhatANameLeadsToIsCheckedWhenItIsDialled(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // a proxy would dial in our place
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	var asked atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, host := range []string{"localhost", "0x7f000001", "2130706433", "127.1"} {
		_, err := webhook.NewClient(webhook.Rules{}, nil).Post(t.Context(), metal.WebhookMessage{ID: "msg_1", URL: "https://" + host + port + "/"})
		require.Error(t, err, host)
		if host == "localhost" {
			require.ErrorContains(t, err, "none of the Internet's")
		}
	}
	require.Zero(t, asked.Load())
	_, err := webhook.NewClient(webhook.Rules{Allow: lab.Allow}, nil).Post(t.Context(), metal.WebhookMessage{ID: "msg_1", URL: "https://localhost" + port + "/"})
	require.ErrorContains(t, err, "certificate", "it was dialled, past the proxy")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	code, err := webhook.NewClient(lab, nil).Post(t.Context(), metal.WebhookMessage{ID: "msg_1", URL: server.URL})
	require.NoError(t, err)
	require.Equal(t, http.StatusTemporaryRedirect, code)
	require.EqualValues(t, 1, asked.Load())
}

func TestAnAnswerWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	code, err := webhook.NewClient(lab, nil).Post(t.Context(), metal.WebhookMessage{ID: "msg_1", URL: server.URL})
	require.NoError(t, err)
	require.Equal(t, 200, code)
	<-gone
}

func TestWhatWentWrongIsSaidWithoutTheURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for url, why := range map[string]string{
		address + "/?token=s3cret": "refused the connection",
		"https" + strings.TrimPrefix(plain.URL, "http") + "/?token=s3cret": "speaks no TLS",
		"https://no-such-host.invalid/?token=s3cret":                       "name",
	} {
		_, err := webhook.NewClient(lab, nil).Post(t.Context(), metal.WebhookMessage{ID: "msg_1", URL: url})
		require.ErrorContains(t, err, why)
		require.NotContains(t, err.Error(), "s3cret")
		require.NotContains(t, err.Error(), "127.0.0.1")
	}
}

func TestWithoutTheKeyNothingIsSent(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	m := metal.WebhookMessage{ID: "msg_1", Webhook: "a", URL: server.URL, Sealed: [][]byte{sealer(t).Seal("a", webhook.NewSecret())}}
	_, err := webhook.NewClient(lab, nil).Post(t.Context(), m)
	require.ErrorIs(t, err, metal.ErrNoSecret)
	m.Webhook = "b"
	_, err = webhook.NewClient(lab, sealer(t)).Post(t.Context(), m)
	require.ErrorIs(t, err, metal.ErrNoSecret)
	require.Zero(t, asked.Load())
}
