package agent

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAnAgentOutlivesRefusalsOfEveryKind(t *testing.T) {
	t.Parallel()
	n := 0
	s := &service{jobs: []Job{install, leave}, image: image}
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
	exit, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, []string{"erase", "write", "verify", "configure"}, d.steps)
	require.Len(t, s.reports, 1)
}

func TestABootThatIsOverEndsInPowerOffWithDisksUntouched(t *testing.T) {
	t.Parallel()
	s := &service{fault: func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusGone)
		return true
	}}
	d := &disk{}
	exit, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, PowerOff, exit)
	require.Empty(t, d.steps)
}

func TestADownloadGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{install, leave}, image: image}
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/images/debian.raw" || r.Header.Get("Range") != "" {
			return false
		}
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(image[:123_457])
		panic(http.ErrAbortHandler)
	}
	d := &disk{}
	_, log, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, image, d.content)
	require.Equal(t, metal.Installed, s.reports[0].Kind)
	require.Contains(t, log, "image goes on")
}

func TestADownloadThatStallsIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{install, leave}, image: image}
	stalled := false
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/images/debian.raw" || stalled {
			return false
		}
		stalled = true
		_, _ = w.Write(image[:100])
		w.(http.Flusher).Flush()
		s.mu.Unlock() // the agent must be able to ask again meanwhile
		<-r.Context().Done()
		s.mu.Lock()
		return true
	}
	d := &disk{}
	_, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, image, d.content)
}

func TestAnImageThatIsNotThereFailsTheJob(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{install, leave}, fault: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/images/debian.raw" {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	}}
	_, _, err := start(t, s, &disk{})
	require.NoError(t, err)
	require.Equal(t, metal.AgentFail, s.reports[0].Kind)
	require.Contains(t, s.reports[0].Detail, "debian.raw at byte 0: 404")
}

func TestTheEndOfTheContextEndsAnAgentThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // connections are refused
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Run(ctx, Config{
		URL: server.URL, Boot: 12, Token: token, Client: server.Client(), Disks: &disk{},
		Inventory: func() string { return "" }, Log: slog.New(slog.DiscardHandler), Pace: Pace{Retry: time.Millisecond},
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
