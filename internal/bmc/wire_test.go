package bmc

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wireTo is a wire to a server that it trusts to be the one pinned.
func wireTo(t *testing.T, handler http.HandlerFunc) (*wire, *httptest.Server) {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	at := endpoint{"127.0.0.1", server.URL[strings.LastIndex(server.URL, ":")+1:]}
	w := newWire(at, "", 5*time.Second, slog.New(slog.DiscardHandler))
	w.transport.TLSClientConfig.VerifyConnection = nil // pins have a test of their own
	t.Cleanup(w.CloseIdleConnections)
	return w, server
}

func TestARedirectDoesNotTakeTheTokenElsewhere(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another server was sent the token %q", r.Header.Get("X-Auth-Token"))
	}))
	t.Cleanup(elsewhere.Close)
	w, server := wireTo(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	req.Header.Set("X-Auth-Token", "token")
	_, err = (&http.Client{Transport: w}).Do(req)
	require.ErrorContains(t, err, "redirects to another address")
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	w, server := wireTo(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := w.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, w.lastExchange().body, answerLimit)
}
