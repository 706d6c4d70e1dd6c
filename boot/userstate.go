package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// UserStates keeps what tenants' systems say of their own progress.
type UserStates interface {
	// RecordUserState makes it an event of the device that lives on the machine.
	RecordUserState(ctx context.Context, machine metal.MachineID, state, code, message string) error
}

// A tenant's system may tell as much as a person would read, and may not fill
// a database: a burst of states while it sets itself up, and one now and then.
const (
	stateEvery = 2 * time.Second
	stateBurst = 20
	maxState   = 16 << 10 // of the JSON; what is kept of the message is less
)

// userState hears what a tenant's system says of its own progress. It moves
// nothing: the tenant reads it among the device's events. The system is known
// by its address; where it names its boot, an earlier install's word is told
// from this one's.
func (s *service) userState(w http.ResponseWriter, r *http.Request) {
	m, err := s.caller(r)
	if err != nil {
		http.Error(w, "no machine has this address", http.StatusNotFound)
		return
	}
	if n, named := statedBoot(r); named && n != m.Intent.Number {
		http.Error(w, "this boot is over", http.StatusGone)
		return
	}
	if !s.states.allow(m.ID) {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "slower: one state every 2 seconds", http.StatusTooManyRequests)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxState)
	var posted stated
	if !decode(w, r, &posted) {
		return
	}
	if why := posted.wrong(); why != "" {
		http.Error(w, why, http.StatusUnprocessableEntity)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), oneLimit)
	defer cancel()
	err = s.store.RecordUserState(ctx, m.ID, posted.State, posted.Code.String(), agent.Clip(posted.Message))
	if err != nil {
		s.refuse(w, m.ID, err)
		return
	}
	s.metrics.events.WithLabelValues(posted.State).Inc()
}

// stated is what is posted to user_state_url.
type stated struct {
	State   string      `json:"state"`
	Code    json.Number `json:"code"` // Ignition gives none
	Message string      `json:"message"`
}

// wrong says what cannot be kept; empty where all can.
func (s stated) wrong() string {
	switch s.State {
	case "running", "succeeded", "failed":
	default:
		return "state is running, succeeded or failed"
	}
	if code, err := strconv.Atoi(s.Code.String()); s.Code != "" && (err != nil || code < 1000 || code > 1099) {
		return "code is a number from 1000 to 1099"
	}
	return ""
}

// statedBoot is the boot that the URL names, also where "/events" was added to
// a whole phone-home URL.
func statedBoot(r *http.Request) (metal.BootNumber, bool) {
	text := strings.TrimSuffix(r.URL.Query().Get(agent.QueryBoot), "/events")
	n, err := strconv.ParseInt(text, 10, 64)
	return metal.BootNumber(n), err == nil
}

// budgets are how much each machine may still say. Machines are few, and
// strangers do not get this far.
type budgets struct {
	mu sync.Mutex
	of map[metal.MachineID]*rate.Limiter
}

func (b *budgets) allow(m metal.MachineID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[metal.MachineID]*rate.Limiter{}
	}
	if b.of[m] == nil {
		b.of[m] = rate.NewLimiter(rate.Every(stateEvery), stateBurst)
	}
	return b.of[m].Allow()
}
