package agent

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
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

func TestAReportThatIsNeverTakenBecomesAFailure(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{erase, erase, leave}}
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != PathReport || r.ContentLength > 0 && len(s.reports) > 0 {
			return false
		}
		if report := decode[Report](t, r); len(report.Certificates) > 0 {
			http.Error(w, "the certificates are not in order", http.StatusUnprocessableEntity)
		} else {
			s.reports = append(s.reports, report)
		}
		return true
	}
	exit, _, err := start(t, s, &disk{})
	require.NoError(t, err)
	require.Equal(t, Reboot, exit, "it is not erased for all that anybody knows")
	require.Equal(t, metal.AgentFail, s.reports[0].Kind)
	require.Contains(t, s.reports[0].Detail, "erase: /agent/report: the boot service does not take this message: 422")
	require.Contains(t, s.reports[0].Detail, "not in order")
}

func TestAnInventoryThatIsNotTakenKeepsNobodySilent(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{leave}}
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == PathUp && r.ContentLength > 300 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
		return false
	}
	_, _, err := start(t, s, &disk{}, func(c *Config) {
		c.Inventory = func(context.Context) (string, json.RawMessage) {
			return "1 disk", json.RawMessage(`"` + strings.Repeat("x", 1000) + `"`)
		}
	})
	require.NoError(t, err)
	require.Equal(t, []Up{{Boot: 12, Version: "v7", Inventory: "1 disk"}}, s.ups)
}
