package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// agentCall is who an agent says it is. The machine is the one at the source
// address, so a token is worth nothing at another port.
type agentCall struct {
	machine metal.MachineID
	boot    metal.BootNumber
	hash    []byte
}

// asAgent reads the caller, and answers for those who are none.
func (s *service) asAgent(next func(http.ResponseWriter, *http.Request, agentCall)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, err := s.caller(r)
		hash, proven := bearer(r)
		boot, numbered := bootNumber(r)
		switch {
		case err != nil:
			http.Error(w, "no machine has this address", http.StatusNotFound)
		case !proven:
			http.Error(w, "an agent sends its token", http.StatusUnauthorized)
		case !numbered:
			http.Error(w, "an agent names its boot", http.StatusBadRequest)
		default:
			next(w, r, agentCall{machine: m.ID, boot: boot, hash: hash})
		}
	}
}

// job is the agent's held question. The row is read at once, at each notice
// that the machine changed, and once more at the end of the wait: what is
// handed out was true that moment.
func (s *service) job(w http.ResponseWriter, r *http.Request, c agentCall) {
	timer := time.NewTimer(waitOf(r))
	defer timer.Stop()
	have := metal.Job(r.URL.Query().Get(agent.QueryHave))
	for over := false; ; {
		changed := s.view.changed(c.machine) // before the row is read, or a change between is missed
		job, err := s.takeJob(r.Context(), c)
		if err != nil {
			s.refuse(w, c.machine, err)
			return
		}
		if over || job.Job != metal.JobWait && job.Job != have {
			s.handOut(w, r, c, job)
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			over = true
		case <-r.Context().Done():
			return
		}
	}
}

func (s *service) takeJob(ctx context.Context, c agentCall) (metal.AgentJob, error) {
	ctx, cancel := context.WithTimeout(ctx, oneLimit)
	defer cancel()
	return s.store.TakeJob(ctx, c.machine, c.boot, c.hash)
}

// maxWait stays under the minute after which firewalls forget a connection.
const maxWait = 50 * time.Second

func waitOf(r *http.Request) time.Duration {
	wait, err := time.ParseDuration(r.URL.Query().Get(agent.QueryWait))
	if err != nil {
		return 0
	}
	return min(max(wait, 0), maxWait)
}

// refuse turns a store's refusal into 410, for good, and everything else into
// 503, to be asked again.
func (s *service) refuse(w http.ResponseWriter, m metal.MachineID, err error) {
	if errors.Is(err, metal.ErrStaleClaim) {
		s.log.Warn("refused a boot that is over", "machine", m, "error", err)
		http.Error(w, "this boot is over", http.StatusGone)
		return
	}
	s.log.Error("no answer for a machine", "machine", m, "error", err)
	w.Header().Set("Retry-After", "2")
	http.Error(w, "cannot tell at the moment; ask again", http.StatusServiceUnavailable)
}

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
		http.Error(w, "the body is not the JSON of this call", http.StatusBadRequest)
		return false
	}
	return true
}
