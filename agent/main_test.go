package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/erasure"
	"millwright/internal/image"
	"millwright/internal/metal"
)

// boot hands out its jobs one after another, each as soon as the one before
// was reported, and keeps what it was told.
type boot struct {
	images http.Handler

	hold <-chan struct{} // a machine leaves when it is closed; nil at once

	files  string // the folder of the agent's boot files
	damage bool   // a byte of all noise changes on its way to us

	mu   sync.Mutex
	jobs []agent.Job
	said []agent.Report
	log  strings.Builder
}

// next is what is to be done now.
func (b *boot) next() agent.Job {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobs[0]
}

func (b *boot) keep(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.URL.Query().Get(agent.QueryAt) == strconv.Itoa(b.log.Len()) {
		io.Copy(&b.log, r.Body)
	}
	json.NewEncoder(w).Encode(agent.LogEnd{Next: int64(b.log.Len())})
}

func (b *boot) serve(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /agent/up", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /agent/job", func(w http.ResponseWriter, r *http.Request) {
		job := b.next()
		if job.Job == metal.JobLeave && b.hold != nil {
			select {
			case <-b.hold:
			case <-r.Context().Done():
				return
			}
		}
		json.NewEncoder(w).Encode(job)
	})
	mux.HandleFunc("POST /agent/log", b.keep)
	mux.HandleFunc("POST /agent/report", func(_ http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		var said agent.Report
		json.NewDecoder(r.Body).Decode(&said)
		b.jobs, b.said = b.jobs[1:], append(b.said, said)
	})
	mux.HandleFunc("GET "+agent.PathNoise, func(w http.ResponseWriter, r *http.Request) {
		length, _ := time.ParseDuration(r.URL.Query().Get(agent.QueryFor))
		io.Copy(w, noise(r).Reader(r.Context(), length))
	})
	mux.HandleFunc("POST "+agent.PathNoise, func(w http.ResponseWriter, r *http.Request) {
		from := io.Reader(r.Body)
		if b.damage {
			from = io.MultiReader(strings.NewReader("?"), r.Body)
		}
		n, err := noise(r).Compare(from)
		end := agent.NoiseEnd{Bytes: n}
		if err != nil {
			end.Wrong = err.Error()
		}
		json.NewEncoder(w).Encode(end)
	})
	guarded := http.NewServeMux()
	guarded.HandleFunc("GET /agent-files/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(b.files, r.PathValue("file")))
	})
	if b.images != nil {
		guarded.Handle("/images/", http.StripPrefix("/images", b.images))
	}
	guarded.HandleFunc("/agent/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer c0ffee" || r.URL.Query().Get("boot") != "7" {
			w.WriteHeader(http.StatusGone)
			return
		}
		mux.ServeHTTP(w, r)
	})
	server := httptest.NewServer(guarded)
	t.Cleanup(server.Close)
	return server.URL
}

func noise(r *http.Request) agent.Noise {
	seed, _ := strconv.ParseUint(r.URL.Query().Get(agent.QuerySeed), 10, 64)
	return agent.NoiseOf(seed)
}

const dirtySize = 8 << 20

// dirtyDisk is a file full of somebody's secrets.
func dirtyDisk(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("secret! "), dirtySize/8), 0o600))
	return path
}

// store serves one image of noise and holes.
func store(t testing.TB) (id image.ID, content []byte, handler http.Handler) {
	content = make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(content[:1<<20])
	rand.NewChaCha8([32]byte{2}).Read(content[2<<20 : 2<<20+5000])
	path := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	images, err := image.OpenStore(t.TempDir(), 64<<10)
	require.NoError(t, err)
	id, err = images.Import(t.Context(), image.Origin{Path: path})
	require.NoError(t, err)
	return id, content, image.Handler(images, nil, slog.New(slog.DiscardHandler))
}

// start runs the agent on files, as the kernel's command line says.
func start(t *testing.T, b *boot, token string, disks ...string) agent.Exit {
	cmdline := filepath.Join(t.TempDir(), "cmdline")
	text := "initrd=initrd.img millwright.boot=7 millwright.token=" + token + " millwright.url=" + b.serve(t) + " console=ttyS0\n"
	require.NoError(t, os.WriteFile(cmdline, []byte(text), 0o600))
	exit, err := run(t.Context(), flags{
		Cmdline: cmdline, Disk: disks,
		Pace: paceFlags{Wait: time.Millisecond, Retry: time.Millisecond, Over: time.Millisecond},
	}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return exit
}

func installOf(id image.ID, size int) agent.Job {
	return agent.Job{Job: metal.JobInstall, Erase: metal.EraseFull, Install: &agent.Install{Image: id.String(), Size: int64(size)}}
}

func TestAMachineIsInstalledAndLeftAsToldTo(t *testing.T) {
	t.Parallel()
	id, content, images := store(t)
	b := &boot{images: images, jobs: []agent.Job{installOf(id, len(content)), {Job: metal.JobLeave}}}
	disk, second := dirtyDisk(t), dirtyDisk(t)
	require.Equal(t, agent.Reboot, start(t, b, "c0ffee", disk, second))
	require.Equal(t, metal.Installed, b.said[0].Kind, b.said[0].Detail)
	require.Contains(t, b.said[0].Detail, "gave back all 3145728 bytes of image "+id.String())
	written, err := os.ReadFile(disk)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, written[:len(content)]))
	require.Equal(t, make([]byte, dirtySize-len(content)), written[len(content):])
	require.Equal(t, make([]byte, dirtySize), read(t, second))
	require.Len(t, b.said[0].Certificates, 2)
}

func read(t *testing.T, path string) []byte {
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}

func TestTheFirstBootFindsItsSeedBehindTheImage(t *testing.T) {
	t.Parallel()
	raw := filepath.Join(t.TempDir(), "gpt.raw")
	require.NoError(t, os.WriteFile(raw, nil, 0o600))
	require.NoError(t, os.Truncate(raw, 16<<20))
	partition := exec.Command("sfdisk", "--quiet", raw)
	partition.Stdin = strings.NewReader("label: gpt\ntype=linux\n")
	out, err := partition.CombinedOutput()
	require.NoError(t, err, "%s", out)
	images, err := image.OpenStore(t.TempDir(), 0)
	require.NoError(t, err)
	id, err := images.Import(t.Context(), image.Origin{Path: raw})
	require.NoError(t, err)

	job := installOf(id, 16<<20)
	job.Install.FirstBoot.Seed = &metal.Seed{Label: "CIDATA", Files: []metal.File{{Path: "meta-data", Body: []byte("instance-id: d1\n")}}}
	small := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.WriteFile(small, make([]byte, 20<<20), 0o600))
	disk := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(disk, bytes.Repeat([]byte("secret! "), 8<<20), 0o600))
	b := &boot{images: image.Handler(images, nil, slog.New(slog.DiscardHandler)), jobs: []agent.Job{job, {Job: metal.JobLeave}}}
	start(t, b, "c0ffee", small, disk)
	require.Equal(t, metal.Installed, b.said[0].Kind, b.said[0].Detail)
	require.Equal(t, make([]byte, 20<<20), read(t, small), "the disk with room for the seed was chosen")
	verified, err := exec.Command("sfdisk", "--verify", disk).CombinedOutput()
	require.NoError(t, err, "%s", verified)
	table, err := exec.Command("sfdisk", "--dump", disk).Output()
	require.NoError(t, err)
	require.Contains(t, string(table), `name="millwright-seed"`)
	require.Contains(t, string(read(t, disk)), "CIDATA     FAT16")
	require.NotContains(t, string(read(t, disk)), "secret!")
}

func TestALayoutThatCannotBeIsRefusedBeforeAnythingIsErased(t *testing.T) {
	t.Parallel()
	id, content, images := store(t)
	for storage, want := range map[string]string{
		`{"boot":{"serial":"ZZ9"}}`: `serial or WWN \"ZZ9\"`,
		`{"mirror":true}`:           "second disk of the mirror",
		`{"data":7}`:                "read the layout of the disks",
	} {
		job := installOf(id, len(content))
		job.Install.Storage = json.RawMessage(storage)
		b := &boot{images: images, jobs: []agent.Job{job, {Job: metal.JobLeave}}}
		disk := dirtyDisk(t)
		start(t, b, "c0ffee", disk)
		require.Equal(t, metal.AgentFail, b.said[0].Kind)
		require.Contains(t, b.said[0].Detail, strings.ReplaceAll(want, `\"`, `"`))
		require.Contains(t, string(read(t, disk)), "secret")
	}
}

func TestAMachineIsErasedAndPoweredOff(t *testing.T) {
	t.Parallel()
	b := &boot{jobs: []agent.Job{{Job: metal.JobErase}, {Job: metal.JobWait}}}
	disk := dirtyDisk(t)
	require.Equal(t, agent.PowerOff, start(t, b, "c0ffee", disk))
	require.Equal(t, metal.Erased, b.said[0].Kind)
	require.Equal(t, make([]byte, dirtySize), read(t, disk))
	var c erasure.Certificate
	require.NoError(t, json.Unmarshal(b.said[0].Certificates[0], &c))
	require.Equal(t, erasure.Full, c.Mode)
	require.EqualValues(t, dirtySize, c.Verified.Bytes)
}

func TestABootThatIsOverLeavesTheDisksAlone(t *testing.T) {
	t.Parallel()
	b := &boot{jobs: []agent.Job{{Job: metal.JobErase}}}
	disk := dirtyDisk(t)
	exit := start(t, b, "stale", disk)
	require.Equal(t, agent.PowerOff, exit)
	require.Contains(t, string(read(t, disk)), "secret")
	require.Equal(t, 12, exitCodes[exit])
}

func TestWhatCannotBeInstalledIsReportedWithItsReason(t *testing.T) {
	t.Parallel()
	id, content, images := store(t)
	unknown := image.ID{1}
	small := filepath.Join(t.TempDir(), "small")
	require.NoError(t, os.WriteFile(small, bytes.Repeat([]byte("secret! "), 1<<17), 0o600))
	corrupt := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/blocks/3") {
			w.Write([]byte("this is no block"))
			return
		}
		images.ServeHTTP(w, r)
	})
	for name, c := range map[string]struct {
		disk, want string
		job        agent.Job
		images     http.Handler
		touched    bool
	}{
		"a small disk":     {small, "too small: none of the free disks has 3145728 bytes", installOf(id, len(content)), images, false},
		"no disk":          {small + "-gone", "no such file", installOf(id, len(content)), images, false},
		"no image":         {dirtyDisk(t), "no such image", installOf(unknown, len(content)), images, true},
		"no image's name":  {dirtyDisk(t), "64 hexadecimal digits", agent.Job{Job: metal.JobInstall, Install: &agent.Install{Image: "debian"}}, images, false},
		"a corrupt block":  {dirtyDisk(t), "block 3 of image", installOf(id, len(content)), corrupt, true},
		"no kind of image": {dirtyDisk(t), "the job names no image", agent.Job{Job: metal.JobInstall}, images, false},
	} {
		b := &boot{images: c.images, jobs: []agent.Job{c.job, {Job: metal.JobLeave}}}
		start(t, b, "c0ffee", c.disk)
		require.Equal(t, metal.AgentFail, b.said[0].Kind, name)
		require.Contains(t, b.said[0].Detail, c.want, name)
		require.NotContains(t, b.said[0].Detail, "c0ffee")
		if text, err := os.ReadFile(c.disk); err == nil {
			require.Equal(t, !c.touched, bytes.Contains(text, []byte("secret")), name)
		}
	}
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
