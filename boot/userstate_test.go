package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func (w *world) RecordUserState(_ context.Context, id metal.MachineID, state, code, message string) error {
	return w.with(func() error {
		w.stated = append(w.stated, fmt.Sprint(id, " ", state, " ", code, " ", message))
		return nil
	})
}

func (r *rig) statedSoFar() []string {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	return append([]string{}, r.w.stated...)
}

func TestAStateThatASystemPostsIsKeptAndIsNoPhoneHome(t *testing.T) {
	t.Parallel()
	r := booting(t)
	state := `{"state":"failed","code":1005,"message":"disk full"}`
	// The third is what Ignition makes of a phone-home URL with a query.
	for _, path := range []string{"/events", "/events?boot=1", "/phone-home?boot=1/events", "/phone-home/events"} {
		code, _ := r.ask(m7, "POST", path, state)
		require.Equal(t, http.StatusOK, code, path)
	}
	require.Equal(t, []string{"m7 failed 1005 disk full"}, r.statedSoFar()[:1])
	require.Len(t, r.statedSoFar(), 4)
	require.Empty(t, r.w.heardKinds())
	require.Equal(t, "4", r.metric(`millwright_boot_user_states_total{state="failed"}`))
	code, _ := r.ask(m7, "POST", "/events", `{"state":"running","message":"no code, as Ignition has none"}`)
	require.Equal(t, http.StatusOK, code)
}

func TestAStateThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	r := booting(t)
	good := `{"state":"running"}`
	for _, c := range []struct {
		from, path, body string
		want             int
	}{
		{m7, "/events", `{"state":"exploded"}`, http.StatusUnprocessableEntity},
		{m7, "/events", `{"state":"running","code":7}`, http.StatusUnprocessableEntity},
		{m7, "/events", `{"state":"running","code":1000.5}`, http.StatusUnprocessableEntity},
		{m7, "/events", `running`, http.StatusBadRequest},
		{m7, "/events", `{"state":"running","message":"` + strings.Repeat("x", 20<<10) + `"}`, http.StatusBadRequest},
		{m7, "/events?boot=0", good, http.StatusGone},
		{m7, "/phone-home?boot=0/events", good, http.StatusGone},
		{nobody, "/events", good, http.StatusNotFound},
	} {
		code, body := r.ask(c.from, "POST", c.path, c.body)
		require.Equal(t, c.want, code, "%s %s: %s", c.path, c.body[:min(40, len(c.body))], body)
	}
	require.Empty(t, r.statedSoFar())
	r.w.change("", func() { r.w.postgresAway = true })
	code, _ := r.ask(m7, "POST", "/events", good)
	require.Equal(t, http.StatusServiceUnavailable, code, "it is to be said again")
}

func TestALongMessageIsClippedAndAFloodIsEnded(t *testing.T) {
	t.Parallel()
	r := booting(t)
	code, _ := r.ask(m7, "POST", "/events", `{"state":"running","message":"`+strings.Repeat("x", 5000)+`"}`)
	require.Equal(t, http.StatusOK, code)
	require.Less(t, len(r.statedSoFar()[0]), 1100)
	for range 10 * stateBurst {
		if code, _ = r.ask(m7, "POST", "/events", `{"state":"running"}`); code != http.StatusOK {
			break
		}
	}
	require.Equal(t, http.StatusTooManyRequests, code)
}
