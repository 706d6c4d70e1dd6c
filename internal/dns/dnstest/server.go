package dnstest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// Server is a running named. All its zones can be updated and transferred with
// the key, and read by anybody.
type Server struct {
	Addr      string // host:port, for UDP and TCP
	KeyName   string
	Secret    string // of the key, in base64
	Algorithm string
	Reader    metal.Credential // another key, which may update nothing

	dir   string
	named string // path of the program
	zones []string
	cmd   *exec.Cmd
	log   lines
	ended chan struct{}
}

const startLimit = 30 * time.Second // it takes 0.2 s on an idle machine

// Start runs a named that serves these zones, until the test ends.
func Start(t testing.TB, zones ...string) *Server {
	t.Helper()
	s := &Server{KeyName: "millwright", Secret: secret(), Algorithm: "hmac-sha256", dir: t.TempDir(), zones: zones}
	s.Reader = metal.Credential{User: "reader", Password: secret()}
	s.named = Program(t, "named", s.dir)
	t.Cleanup(func() { s.Stop(t) })
	for range 5 { // the free port that was found may be somebody's a moment later
		s.Addr = freePort(t)
		s.configure(t)
		if s.start(t) {
			return s
		}
		s.Stop(t)
	}
	t.Fatalf("named found no port to listen on:\n%s", s.log.String())
	return nil
}

// Zone describes a zone of this server as it can be given to what updates it.
func (s *Server) Zone(name string) metal.Zone {
	return metal.Zone{Name: name, Server: s.Addr, Credential: s.KeyName, Algorithm: s.Algorithm}
}

// Credential gives the key, whatever name it is asked for by.
func (s *Server) Credential(context.Context, string) (metal.Credential, error) {
	return metal.Credential{User: s.KeyName, Password: s.Secret}, nil
}

// Pause stops the server in the midst of its work: connections are taken, by
// the kernel, and nothing is answered until Resume.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGSTOP))
}

// Resume ends a Pause.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGCONT))
}

// Stop ends the server. Its zones are kept for Restart.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGCONT) // it may have ended, or be paused
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(startLimit):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// Restart starts a stopped server again, at its address and with its zones.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	require.True(t, s.start(t), "named: %s", &s.log)
}

// start returns false where the port was taken.
func (s *Server) start(t testing.TB) bool {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.Addr)
	s.cmd = exec.Command(s.named, "-g", "-4", "-n", "1", "-p", port, "-c", filepath.Join(s.dir, "named.conf"))
	words, err := s.cmd.StderrPipe()
	require.NoError(t, err)
	s.ended = make(chan struct{})
	started, ready := make(chan error), make(chan bool, 1)
	go func() {
		runtime.LockOSThread() // the death of this thread is what named dies of
		defer runtime.UnlockOSThread()
		dieWithParent(s.cmd)
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.listen(words, ready)
			_ = s.cmd.Wait() // how it ended stands in its log
			close(s.ended)
		}
	}()
	require.NoError(t, <-started)
	select {
	case ok := <-ready:
		return ok
	case <-s.ended:
		t.Fatalf("named ended:\n%s", &s.log)
	case <-time.After(startLimit):
		t.Fatalf("named says nothing of being ready:\n%s", &s.log)
	}
	return false
}

// listen keeps what named says, and finds out whether it serves. It says
// "running" without the port that it wanted, too.
func (s *Server) listen(words io.Reader, ready chan<- bool) {
	taken := false
	for in := bufio.NewScanner(words); in.Scan(); {
		s.log.add(in.Text())
		taken = taken || strings.Contains(in.Text(), "address in use") || strings.Contains(in.Text(), "address not available")
		if strings.HasSuffix(in.Text(), " running") {
			ready <- !taken
		}
	}
}

// freePort finds a port that neither a TCP nor a UDP socket has.
func freePort(t testing.TB) string {
	t.Helper()
	for range 20 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		require.NoError(t, tcp.Close())
		if err == nil {
			require.NoError(t, udp.Close())
			return tcp.Addr().String()
		}
	}
	t.Fatal("no port of 127.0.0.1 is free for both UDP and TCP")
	return ""
}

func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return base64.StdEncoding.EncodeToString(b[:])
}

// lines is what a process has said so far.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(&l.text, line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
