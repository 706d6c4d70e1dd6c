package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// boot hands out its jobs one after another, each as soon as the one before
// was reported, and keeps what it was told.
type boot struct {
	image []byte

	mu   sync.Mutex
	jobs []agent.Job
	said []agent.Report
}

func (b *boot) serve(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /agent/up", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /agent/job", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		json.NewEncoder(w).Encode(b.jobs[0])
	})
	mux.HandleFunc("POST /agent/report", func(_ http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		var said agent.Report
		json.NewDecoder(r.Body).Decode(&said)
		b.jobs, b.said = b.jobs[1:], append(b.said, said)
	})
	mux.HandleFunc("GET /images/{file}", func(w http.ResponseWriter, _ *http.Request) { w.Write(b.image) })
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer c0ffee" || r.URL.Query().Get("boot") != "7" && r.URL.Path[:7] == "/agent/" {
			w.WriteHeader(http.StatusGone)
			return
		}
		mux.ServeHTTP(w, r)
	})
	server := httptest.NewServer(guarded)
	t.Cleanup(server.Close)
	return server.URL
}

// start runs the agent on a file, as the kernel's command line says.
func start(t *testing.T, b *boot, token string) (exit agent.Exit, disk, config string) {
	dir := t.TempDir()
	cmdline := filepath.Join(dir, "cmdline")
	text := "initrd=initrd.img millwright.boot=7 millwright.token=" + token + " millwright.url=" + b.serve(t) + " console=ttyS0\n"
	require.NoError(t, os.WriteFile(cmdline, []byte(text), 0o600))
	disk = dirtyDisk(t)
	exit, err := run(t.Context(), flags{
		Cmdline: cmdline, Disk: []string{disk}, ConfigDir: dir,
		Pace: paceFlags{Wait: time.Millisecond, Retry: time.Millisecond, Over: time.Millisecond},
	}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return exit, disk, filepath.Join(dir, firstBootFile)
}

func TestAMachineIsInstalledAndLeftAsToldTo(t *testing.T) {
	t.Parallel()
	for exit, kexec := range map[agent.Exit]bool{agent.Kexec: true, agent.Reboot: false} {
		image := bytes.Repeat([]byte("system"), 400_000)
		b := &boot{image: image, jobs: []agent.Job{
			{Job: metal.JobInstall, Hostname: "web1", Image: &agent.Image{File: "debian_12.img", SHA256: digest(image), Size: int64(len(image))}},
			{Job: metal.JobLeave, Kexec: kexec},
		}}
		got, disk, config := start(t, b, "c0ffee")
		require.Equal(t, exit, got)
		require.Equal(t, metal.Installed, b.said[0].Kind, b.said[0].Detail)
		content, err := os.ReadFile(disk)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(content, image))
		require.NotContains(t, string(content[len(image):]), "secret")
		require.FileExists(t, config)
	}
}

func TestAMachineIsErasedAndPoweredOff(t *testing.T) {
	t.Parallel()
	b := &boot{jobs: []agent.Job{{Job: metal.JobErase}, {Job: metal.JobWait}}}
	exit, disk, _ := start(t, b, "c0ffee")
	require.Equal(t, agent.PowerOff, exit)
	require.Equal(t, metal.Erased, b.said[0].Kind)
	content, err := os.ReadFile(disk)
	require.NoError(t, err)
	require.Equal(t, make([]byte, len(content)), content)
}

func TestABootThatIsOverLeavesTheDisksAlone(t *testing.T) {
	t.Parallel()
	b := &boot{jobs: []agent.Job{{Job: metal.JobErase}}}
	exit, disk, _ := start(t, b, "stale")
	require.Equal(t, agent.PowerOff, exit)
	content, err := os.ReadFile(disk)
	require.NoError(t, err)
	require.Contains(t, string(content), "secret")
	require.Equal(t, 12, exitCodes[exit])
}

func TestFlagsCountBeforeTheKernelsCommandLine(t *testing.T) {
	t.Parallel()
	cmdline := filepath.Join(t.TempDir(), "cmdline")
	require.NoError(t, os.WriteFile(cmdline, []byte("millwright.boot=7 millwright.token=a millwright.url=http://a quiet millwright.token=b"), 0o600))
	f := flags{Cmdline: cmdline, URL: "http://flag", Boot: 8}
	require.NoError(t, f.complete())
	require.Equal(t, flags{Cmdline: cmdline, URL: "http://flag", Boot: 8, Token: "b"}, f)
}

func TestAnAgentThatKnowsTooLittleSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"millwright.boot=7 millwright.token=a":                         "millwright.url is neither a flag nor",
		"millwright.boot=7 millwright.url=http://a":                    "millwright.token is neither a flag nor",
		"millwright.url=http://a millwright.token=a":                   "millwright.boot is neither a flag nor",
		"millwright.url=http://a millwright.token=a millwright.boot=x": `millwright.boot="x": want the number of this boot`,
	} {
		cmdline := filepath.Join(t.TempDir(), "cmdline")
		require.NoError(t, os.WriteFile(cmdline, []byte(text), 0o600))
		f := flags{Cmdline: cmdline}
		require.ErrorContains(t, f.complete(), want)
	}
	f := flags{Cmdline: "/does/not/exist"}
	require.ErrorContains(t, f.complete(), "read the kernel's command line")
}
