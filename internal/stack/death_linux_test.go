package stack_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/stack"
)

// victim is the environment variable that makes this test program start a
// Postgres, say where, and wait for its death.
const victim = "STACK_TEST_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(victim) == "" {
		os.Exit(m.Run())
	}
	s, err := stack.StartPostgres(context.Background(), stack.Config{NoFsync: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Postgres.PID(), s.Dir)
	select {}
}

func TestNothingIsLeftWhenTheOwnerIsKilled(t *testing.T) {
	t.Parallel()
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), victim+"=yes")
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	postgres, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.True(t, exists(postgres))
	require.DirExists(t, filepath.Join(dir, "postgres", "data"))

	require.NoError(t, owner.Process.Kill())
	require.Error(t, owner.Wait())
	require.Eventually(t, func() bool { return !exists(postgres) }, 10*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	}, 10*time.Second, 20*time.Millisecond)
}

func TestAChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	t.Parallel()
	var s *stack.Stack
	var err error
	onDyingThread(func() {
		s, err = stack.StartPostgres(context.Background(), stack.Config{NoFsync: true})
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	limit, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Wait(limit), context.DeadlineExceeded, "Postgres ended with its starter's thread")
}

// onDyingThread calls do on a thread that ends right after: a goroutine that
// returns while it is locked to a thread takes it along. Only the main thread
// never ends; it is held here while another one is found.
func onDyingThread(do func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		if syscall.Gettid() != os.Getpid() {
			do()
			return
		}
		onDyingThread(do)
		runtime.UnlockOSThread()
	}()
	<-ended
}
