package agent

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnAgentOutlivesRefusalsOfEveryKind(t *testing.T) {
	t.Parallel()
	n := 0
	s := &service{jobs: []Job{install, leave}}
	s.fault = func(w http.ResponseWriter, _ *http.Request) bool {
		n++
		switch n % 5 {
		case 0:
			return false
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			panic(http.ErrAbortHandler) // the connection breaks
		case 3:
			w.WriteHeader(http.StatusGone) // over, and then again not: another boot service was behind
		case 4:
			w.WriteHeader(http.StatusForbidden)
		}
		return true
	}
	d := &disk{}
	exit, log, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, whole, d.did)
	require.Len(t, s.reports, 1)
	require.NotContains(t, log, token)
}

func TestABootThatIsOverEndsInPowerOffWithDisksUntouched(t *testing.T) {
	t.Parallel()
	s := &service{fault: func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusGone)
		return true
	}}
	d := &disk{}
	exit, _, err := start(t, s, d, func(c *Config) { c.Journal = journalOf("hello\n") })
	require.NoError(t, err)
	require.Equal(t, PowerOff, exit)
	require.Empty(t, d.did)
}

func TestTheEndOfTheContextEndsAnAgentThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // connections are refused
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Run(ctx, Config{
		URL: server.URL, Boot: 12, Token: token, Client: server.Client(), Disks: &disk{}, Journal: journalOf("hello\n"),
		Inventory: func(context.Context) (string, json.RawMessage) { return "", nil }, Log: discard, Pace: Pace{Retry: time.Millisecond},
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
