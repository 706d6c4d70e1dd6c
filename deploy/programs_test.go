package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is long, because the machine that tests may be busy.
const patience = time.Minute

// folder takes our programs. It is a variable because all tests share them.
var folder string

func TestMain(m *testing.M) {
	code := 1
	if made, err := os.MkdirTemp("", "millwright-deploy-"); err == nil {
		folder = made
		code = m.Run()
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

// build builds our programs on first use.
var build = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "build", "-o", folder+"/", "./starter", "./worker", "./boot")
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	return string(out), err
})

// program is the path of one of our programs.
func program(t *testing.T, name string) string {
	t.Helper()
	out, err := build()
	require.NoError(t, err, out)
	return filepath.Join(folder, name)
}

// journal is what a program printed, for when it did not do what it should.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// serve starts a program with nothing but its own environment, and waits until
// it says that it is healthy. It ends with the test.
func serve(t *testing.T, env map[string]string, admin, name string, args ...string) {
	t.Helper()
	log := &journal{}
	cmd := exec.CommandContext(context.Background(), program(t, name), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = pairs(env), log, log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, log)
		}
	})
	require.Eventually(t, func() bool { _, err := get("http://" + admin + "/healthz"); return err == nil },
		patience, 50*time.Millisecond, "%s is healthy", name)
}

// get fetches a page and takes everything but 200 for an error.
func get(url string) (string, error) {
	res, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %s", url, res.Status, text)
	}
	return string(text), err
}

// free is an address of ours that nobody listens on at this moment.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Compose hands a misspelt variable to a program that never looks at it.
func TestEveryVariableInComposeIsAFlagOfItsProgram(t *testing.T) {
	t.Parallel()
	for name, s := range project(t).Services {
		image, _, _ := strings.Cut(strings.TrimPrefix(s.Image, "millwright/"), ":")
		if image == s.Image || !strings.HasPrefix(s.Image, "millwright/") {
			continue
		}
		args := []string{"--help"}
		if image == "starter" {
			args = []string{s.Command[0], "--help"}
		}
		help, err := exec.CommandContext(t.Context(), program(t, image), args...).CombinedOutput()
		require.NoError(t, err, string(help))
		for key := range s.Environment {
			require.Contains(t, string(help), "$"+key, "%s: %s has no such flag", name, image)
		}
	}
}
