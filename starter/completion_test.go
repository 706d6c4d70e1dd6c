package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// TestMain lets shells ask this very program what may follow, as they ask
// starter.
func TestMain(m *testing.M) {
	if os.Getenv("COMP_LINE") != "" {
		os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// shellsOf are started with no file of anybody's read.
var shellsOf = map[string][]string{
	"bash": {"--norc", "--noprofile", "-i"},
	"zsh":  {"-f", "-i"},
	"fish": {"--no-config", "--interactive"},
}

// typed types lines into a shell on a terminal, and returns what its commands
// wrote to a file.
func typed(t *testing.T, shell, api string, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	var code, errs journal
	require.Equal(t, exitDone, execute(t.Context(), []string{"completion", shell}, &code, &errs), errs.String())
	writeFile(t, filepath.Join(dir, "code"), code.String())
	ran := filepath.Join(dir, "ran")
	writeFile(t, filepath.Join(dir, "starter"), "#!/bin/sh\necho \"$*\" >>"+ran+"\n")
	require.NoError(t, os.Chmod(filepath.Join(dir, "starter"), 0o700))
	cmd := exec.CommandContext(t.Context(), shell, shellsOf[shell]...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "TERM=xterm", "HOME=" + dir, "MILLWRIGHT_API=" + api, "MILLWRIGHT_KEY=k"}
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	require.NoError(t, err)
	defer terminal.Close()
	screen := &journal{}
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			answerQueries(terminal, buffer[:n])
			_, _ = screen.Write(buffer[:n])
			if err != nil { // the shell has left its terminal
				return
			}
		}
	}()
	defer func() {
		_ = cmd.Process.Kill()
		<-drawn
		_ = cmd.Wait()
	}()
	fmt.Fprint(terminal, "source ./code\r")
	for i, line := range lines {
		fmt.Fprint(terminal, line)
		require.Eventually(t, func() bool { return strings.Count(readIfThere(ran), "\n") > i }, patience, 20*time.Millisecond,
			"%s after %q:\n%s", shell, line, screen)
	}
	return readIfThere(ran)
}

// answerQueries answers what fish asks of its terminal.
func answerQueries(terminal *os.File, asked []byte) {
	if strings.Contains(string(asked), "\x1b[c") || strings.Contains(string(asked), "\x1b[0c") {
		fmt.Fprint(terminal, "\x1b[?62c")
	}
}

func readIfThere(file string) string {
	text, _ := os.ReadFile(file) // not there before the first command
	return string(text)
}

func TestShellsCompleteCommandsFlagsAndWhatTheAPIHas(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "k", r.Header.Get("X-Auth-Token"))
		fmt.Fprint(w, map[string]string{
			"/metal/v1/plans":               `{"plans":[{"slug":"c1.small"},{"slug":"m1.large"}]}`,
			"/metal/v1/projects":            `{"projects":[{"id":"p1"}]}`,
			"/metal/v1/projects/p1/devices": `{"devices":[{"id":"d-17"}]}`,
		}[r.URL.Path])
	}))
	t.Cleanup(api.Close)
	for shell := range shellsOf {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			got := typed(t, shell, api.URL,
				"starter devi\tcrea\t--pla\tm1\t\r",
				"starter completion ba\t\r",
				"starter device show d-\t\r")
			require.Equal(t, "device create --plan m1.large\ncompletion bash\ndevice show d-17\n", strings.ReplaceAll(got, " \n", "\n"))
		})
	}
}
