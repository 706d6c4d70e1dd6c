package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"millwright/internal/metal"
)

const token = "5ec2e7"

var (
	discard      = slog.New(slog.DiscardHandler)
	certificates = []json.RawMessage{json.RawMessage(`{"serial":"S1"}`)}
)

// disk notes what is done to it.
type disk struct {
	mu     sync.Mutex
	did    []string
	broken string // what fails
}

func (d *disk) do(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.did = append(d.did, what)
	if d.broken == what {
		return errors.New("sda: medium error")
	}
	return nil
}

func (d *disk) log() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.did...)
}

func (d *disk) Size() int64 { return 1 << 30 }

func (d *disk) Check(_ context.Context, in Install) error { return d.do("check " + in.Image) }

func (d *disk) Erase(_ context.Context, mode metal.EraseMode, tell Tell) ([]json.RawMessage, error) {
	tell(1, 2, "sda")
	return certificates, d.do("erase " + string(mode))
}

func (d *disk) Lay(context.Context, Install, Tell) error { return d.do("lay") }

func (d *disk) Write(_ context.Context, in Install, tell Tell) (string, error) {
	tell(1<<20, 1<<20, "")
	return "sda gave it back", d.do("write " + in.Image)
}

func (d *disk) Configure(_ context.Context, first metal.FirstBoot, _ Tell) error {
	return d.do("configure " + first.Hostname)
}

// service is a boot service that hands out a list of jobs, and keeps to the
// last of them. Its fault, if any, answers in its place.
type service struct {
	t       *testing.T
	mu      sync.Mutex
	jobs    []Job
	asked   int
	haves   []string
	reports []Report
	ups     []Up
	steps   []Step
	log     []byte // of the boot
	fault   func(w http.ResponseWriter, r *http.Request) bool
	watch   func(path string, job Job)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil && s.fault(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+token || r.URL.Query().Get(QueryBoot) != "12" {
		w.WriteHeader(http.StatusGone)
		return
	}
	switch r.URL.Path {
	case PathUp:
		s.ups = append(s.ups, decode[Up](s.t, r))
	case PathReport:
		s.reports = append(s.reports, decode[Report](s.t, r))
	case PathStep:
		s.steps = append(s.steps, decode[Step](s.t, r))
	case PathLog:
		s.takeLog(w, r)
	case PathJob:
		s.giveJob(w, r)
	default:
		s.t.Errorf("%s was asked for", r.URL)
	}
}

func (s *service) giveJob(w http.ResponseWriter, r *http.Request) {
	s.asked++
	s.haves = append(s.haves, r.URL.Query().Get(QueryHave))
	job := s.jobs[0]
	if len(s.jobs) > 1 {
		s.jobs = s.jobs[1:]
	}
	if s.watch != nil {
		s.watch(r.URL.Path, job)
	}
	_ = json.NewEncoder(w).Encode(job)
}

// takeLog keeps a piece's bytes from the end of what is kept on.
func (s *service) takeLog(w http.ResponseWriter, r *http.Request) {
	at, err := strconv.Atoi(r.URL.Query().Get(QueryAt))
	text, err2 := io.ReadAll(r.Body)
	if errors.Join(err, err2) == nil && at <= len(s.log) && at+len(text) > len(s.log) {
		s.log = append(s.log, text[len(s.log)-at:]...)
	}
	_ = json.NewEncoder(w).Encode(LogEnd{int64(len(s.log))})
}

func decode[T any](t *testing.T, r *http.Request) (v T) {
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		t.Errorf("%s: %v", r.URL.Path, err)
	}
	return v
}

// start runs an agent against the service, with pauses of milliseconds.
func start(t *testing.T, s *service, d *disk, change ...func(*Config)) (Exit, string, error) {
	t.Helper()
	s.t = t
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cfg := Config{
		URL: server.URL, Boot: 12, Token: token, Version: "v7", Client: server.Client(), Disks: d,
		Inventory: func(context.Context) (string, json.RawMessage) { return "1 disk", json.RawMessage(`{"disks":1}`) },
		Log:       slog.New(slog.NewTextHandler(&log, nil)),
		Pace: Pace{
			Wait: 10 * time.Millisecond, Retry: 2 * time.Millisecond, Over: 30 * time.Millisecond, Tell: time.Millisecond,
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	exit, err := Run(ctx, cfg)
	return exit, log.String(), err
}
