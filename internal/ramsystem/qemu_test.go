//go:build linux

package ramsystem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/ramdisk"
)

// patience with an emulated machine: it does in 15 s what it does in 150 while
// the processors are busy.
const patience = 5 * time.Minute

// files are the kernel and the initrd that the tests boot: as the agent's, with
// the program in testdata in its place. Packages come from where make agent
// keeps them.
func files(t *testing.T) string {
	t.Helper()
	built := t.TempDir()
	program := filepath.Join(built, "init")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./testdata/init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, ramdisk.Build(t.Context(), ramdisk.Input{
		Arch: "amd64", Init: program, Cache: "../../bin/cache/debian", Into: built,
	}))
	return built
}

// said is what testdata/init tells.
type said struct {
	Arguments string   `json:"arguments"`
	Version   string   `json:"version"`
	Modules   []string `json:"modules"`
	Blocks    []string `json:"blocks"`
	Addresses []string `json:"addresses"`
	NoKernel  string   `json:"no_kernel"`
	Loaded    bool     `json:"loaded"`
	Program   string   `json:"program"`
	Zombies   int      `json:"zombies"`
	Mounted   bool     `json:"mounted"`
}

// listener hears what machines say, and gives them their tools. QEMU's own
// network reaches it as 10.0.2.2.
func listener(t *testing.T, built string) (url string, heard <-chan said) {
	t.Helper()
	reports := make(chan said, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.ServeFile(w, r, filepath.Join(built, ramdisk.Tools))
			return
		}
		var report said
		if json.NewDecoder(r.Body).Decode(&report) == nil {
			reports <- report
		}
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "10.0.2.2", 1), reports
}

// vm is a machine made by QEMU, without root and without KVM: what runs here
// runs anywhere.
type vm struct {
	console *console
	ended   chan error
}

// boot starts a machine that does not start again by itself. Its kernel does not
// check whether timers tick: on a busy computer they may not when it looks, and
// it panics.
func boot(t *testing.T, files, arguments string, parts ...string) *vm {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	args := append([]string{
		"-machine", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max", "-m", "1024",
		"-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
		"-kernel", filepath.Join(files, ramdisk.Kernel), "-initrd", filepath.Join(files, ramdisk.Initrd),
		"-append", "console=ttyS0 no_timer_check " + arguments, "-device", "virtio-rng-pci",
	}, parts...)
	m := &vm{console: &console{}, ended: make(chan error, 1)}
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	cmd.Stdout, cmd.Stderr = m.console, m.console
	require.NoError(t, cmd.Start())
	done := make(chan struct{})
	go func() {
		m.ended <- cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		kill()
		<-done
		if t.Failed() {
			t.Logf("console:\n%s", m.console.tail())
		}
	})
	return m
}

// off waits until the machine has switched itself off, or began to reboot.
func (m *vm) off(t *testing.T) {
	t.Helper()
	select {
	case err := <-m.ended:
		require.NoError(t, err)
	case <-time.After(patience):
		require.FailNow(t, "the machine is still on")
	}
}

// hear waits for the machine's word, as long as it is on.
func (m *vm) hear(t *testing.T, heard <-chan said) said {
	t.Helper()
	select {
	case report := <-heard:
		return report
	case err := <-m.ended:
		require.FailNow(t, "the machine ended and said nothing", "%v", err)
	case <-time.After(patience):
		require.FailNow(t, "the machine says nothing")
	}
	return said{}
}

// console keeps what a machine prints.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps it.
func (c *console) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(text)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

func (c *console) tail() string {
	text := c.String()
	return text[max(0, len(text)-8000):]
}

// saw waits for a text on the console.
func (m *vm) saw(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(m.console.String(), text) }, patience, 50*time.Millisecond, text)
}

// disk is a drive of a machine; what it writes is thrown away.
func disk(id, path, device string) []string {
	return []string{"-drive", "file=" + path + ",format=raw,if=none,snapshot=on,id=" + id, "-device", device + ",drive=" + id}
}

func emptyDisk(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 64<<20))
	return path
}
