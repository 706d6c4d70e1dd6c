package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

const token = "5ec2e7"

// disk is a disk in memory.
type disk struct {
	mu      sync.Mutex
	steps   []string
	content []byte
	first   FirstBoot
	broken  string // the step that fails
}

func (d *disk) step(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps = append(d.steps, name)
	if d.broken == name {
		return errors.New("sda: medium error")
	}
	return nil
}

func (d *disk) Erase(context.Context) (string, error) {
	d.content = nil
	return "sda: 1 GiB read back as zeros", d.step("erase")
}

func (d *disk) Write(_ context.Context, image io.Reader, _ int64) error {
	content, err := io.ReadAll(image)
	d.content = content
	return errors.Join(err, d.step("write"))
}

func (d *disk) Verify(_ context.Context, want string, size int64) error {
	if got := hash(d.content); got != want || int64(len(d.content)) != size {
		return fmt.Errorf("the disk holds %s", got)
	}
	return d.step("verify")
}

func (d *disk) Configure(_ context.Context, first FirstBoot) error {
	d.first = first
	return d.step("configure")
}

func hash(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

// service is a boot service that hands out a list of jobs, and keeps to the
// last of them. Its fault, if any, answers in its place.
type service struct {
	t       *testing.T
	mu      sync.Mutex
	jobs    []Job
	reports []Report
	ups     []Up
	image   []byte
	fault   func(w http.ResponseWriter, r *http.Request) bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil && s.fault(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+token || (r.URL.Path[:7] == "/agent/" && r.URL.Query().Get(QueryBoot) != "12") {
		w.WriteHeader(http.StatusGone)
		return
	}
	switch r.URL.Path {
	case PathUp:
		s.ups = append(s.ups, decode[Up](s.t, r))
	case PathReport:
		s.reports = append(s.reports, decode[Report](s.t, r))
	case PathJob:
		job := s.jobs[0]
		if len(s.jobs) > 1 {
			s.jobs = s.jobs[1:]
		}
		_ = json.NewEncoder(w).Encode(job)
	default:
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.image))
	}
}

func decode[T any](t *testing.T, r *http.Request) (v T) {
	require.NoError(t, json.NewDecoder(r.Body).Decode(&v))
	return v
}

// start runs an agent against the service, with pauses of milliseconds.
func start(t *testing.T, s *service, d *disk) (Exit, string, error) {
	t.Helper()
	s.t = t
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	exit, err := Run(ctx, Config{
		URL: server.URL, Boot: 12, Token: token, Client: server.Client(), Disks: d,
		Inventory: func() string { return "1 disk" }, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Pace: Pace{Wait: 10 * time.Millisecond, Retry: 2 * time.Millisecond, Over: 30 * time.Millisecond, Stall: 200 * time.Millisecond},
	})
	d.first.MetadataURL = strings.TrimPrefix(d.first.MetadataURL, server.URL)
	d.first.PhoneHomeURL = strings.TrimPrefix(d.first.PhoneHomeURL, server.URL)
	return exit, log.String(), err
}

var (
	image   = bytes.Repeat([]byte("Debian 12 "), 100_000)
	install = Job{Job: metal.JobInstall, Hostname: "web1", Image: &Image{File: "debian.raw", SHA256: hash(image), Size: int64(len(image))}}
	erase   = Job{Job: metal.JobErase}
	wait    = Job{Job: metal.JobWait}
	leave   = Job{Job: metal.JobLeave}
)

func TestAnInstallEndsWithAVerifiedImageAndLeavesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{wait, install, install, leave}, image: image}, &disk{}
	exit, log, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, []string{"erase", "write", "verify", "configure"}, d.steps)
	require.Equal(t, image, d.content)
	require.Equal(t, FirstBoot{Hostname: "web1", MetadataURL: "/metadata?boot=12", PhoneHomeURL: "/phone-home?boot=12"}, d.first)
	require.Equal(t, []Up{{Boot: 12, Inventory: "1 disk"}}, s.ups)
	require.Equal(t, []Report{{Kind: metal.Installed, Detail: "sda: 1 GiB read back as zeros"}}, s.reports)
	require.NotContains(t, log, token)
}

func TestAModelThatSurvivesKexecLeavesByIt(t *testing.T) {
	t.Parallel()
	exit, _, err := start(t, &service{jobs: []Job{{Job: metal.JobLeave, Kexec: true}}}, &disk{})
	require.NoError(t, err)
	require.Equal(t, Kexec, exit)
}

func TestAnErasedMachinePowersOff(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{erase}}, &disk{}
	exit, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, PowerOff, exit)
	require.Equal(t, []string{"erase"}, d.steps)
	require.Equal(t, []Report{{Kind: metal.Erased, Detail: "sda: 1 GiB read back as zeros"}}, s.reports)
}

func TestAJobIsDoneOnceInABootAndReportedAgainWhenAskedAgain(t *testing.T) {
	t.Parallel()
	s, d := &service{jobs: []Job{install, wait, install, leave}, image: image}, &disk{}
	_, _, err := start(t, s, d)
	require.NoError(t, err)
	require.Equal(t, []string{"erase", "write", "verify", "configure"}, d.steps)
	require.Len(t, s.reports, 2)
	require.Equal(t, s.reports[0], s.reports[1])
}

func TestAFailedJobIsReportedWithItsReasonAndTheAgentWaitsOn(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"erase", "write", "verify", "configure"} {
		s, d := &service{jobs: []Job{install, install, leave}, image: image}, &disk{broken: step}
		exit, _, err := start(t, s, d)
		require.NoError(t, err)
		require.Equal(t, Reboot, exit)
		require.Equal(t, step, d.steps[len(d.steps)-1], "nothing follows the step that failed")
		require.Len(t, s.reports, 1)
		require.Equal(t, metal.AgentFail, s.reports[0].Kind)
		require.Contains(t, s.reports[0].Detail, "sda: medium error")
	}
}

func TestAFailedEraseIsNeverReportedAsErased(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{erase, leave}}
	exit, _, err := start(t, s, &disk{broken: "erase"})
	require.NoError(t, err)
	require.Equal(t, Reboot, exit)
	require.Equal(t, metal.AgentFail, s.reports[0].Kind)
}

func TestAnImageThatIsNotTheOneOrderedIsRefused(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte("Windows 12"), 100_000)
	for why, served := range map[string][]byte{
		"SHA-256": other, "no such image": image[:1000], "image debian.raw: its SHA-256": append(bytes.Clone(image), "more"...)[4:],
	} {
		s, d := &service{jobs: []Job{install, leave}, image: served}, &disk{}
		_, _, err := start(t, s, d)
		require.NoError(t, err)
		require.Equal(t, metal.AgentFail, s.reports[0].Kind)
		require.Contains(t, s.reports[0].Detail, why, "a wrong image is told from a bad disk")
		require.NotContains(t, d.steps, "verify")
	}
}

func TestDetailsKeepTheirLimitAndWholeLetters(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.Repeat("a", 999), Clip(strings.Repeat("a", 999)+"é"))
	require.Len(t, Clip(strings.Repeat("é", 600)), 1000)
}
