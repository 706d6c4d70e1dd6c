package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// noisy is how many machines have noise sent at once. More would test our link
// rather than theirs, and take from those that are installed meanwhile.
const noisy = 4

// noise is the other end of a machine's network test. What a machine's port can
// ask for without being proven costs nobody anything.
func (s *service) noise(w http.ResponseWriter, r *http.Request, c agentCall) {
	seed, err := strconv.ParseUint(r.URL.Query().Get(agent.QuerySeed), 10, 64)
	if err != nil {
		http.Error(w, "noise has a seed, which is a number", http.StatusBadRequest)
		return
	}
	job, err := s.takeJob(r.Context(), c)
	if err != nil {
		s.refuse(w, c.machine, err)
		return
	}
	if job.Job != metal.JobProve {
		http.Error(w, "noise is for a machine that is proven", http.StatusConflict)
		return
	}
	select {
	case s.noisy <- struct{}{}:
		defer func() { <-s.noisy }()
	case <-time.After(maxWait):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "other machines are tested; ask again", http.StatusServiceUnavailable)
		return
	case <-r.Context().Done():
		return
	}
	if r.Method == http.MethodPost {
		s.takeNoise(w, r, agent.NoiseOf(seed))
		return
	}
	giveNoise(w, r, agent.NoiseOf(seed))
}

// noiseGrace is how much longer than a turn its bytes may be on their way.
const noiseGrace = 10 * time.Second

func giveNoise(w http.ResponseWriter, r *http.Request, noise agent.Noise) {
	length, err := time.ParseDuration(r.URL.Query().Get(agent.QueryFor))
	if err != nil {
		http.Error(w, "noise is asked for by the second: for=10s", http.StatusBadRequest)
		return
	}
	within := http.NewResponseController(w).SetWriteDeadline
	_ = within(time.Now().Add(agent.NoiseTurn + noiseGrace))
	defer func() { _ = within(time.Time{}) }() // the connection serves other questions after this
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, noise.Reader(r.Context(), min(length, agent.NoiseTurn))) // who left has no use for the rest
}

// takeNoise reads what a machine sends: its network card's doing, so it is
// compared here. A connection that broke is not answered, and asked again.
func (s *service) takeNoise(w http.ResponseWriter, r *http.Request, noise agent.Noise) {
	within := http.NewResponseController(w).SetReadDeadline
	_ = within(time.Now().Add(agent.NoiseTurn + noiseGrace))
	defer func() { _ = within(time.Time{}) }()
	n, err := noise.Compare(r.Body)
	end := agent.NoiseEnd{Bytes: n}
	if errors.Is(err, agent.ErrNoise) {
		end.Wrong = err.Error()
		_, _ = io.Copy(io.Discard, r.Body) // who is still sending would hear of a broken connection, and not why
	} else if err != nil {
		http.Error(w, "the noise ended early", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(end)
}
