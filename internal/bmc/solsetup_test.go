package bmc_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/metal"
)

// serial is the machine behind a BMC's serial port.
type serial struct {
	net.Listener
	conns chan net.Conn
}

// setupSOL is a BMC with a machine on its serial port.
func setupSOL(t *testing.T) (*simulator, *serial) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := &serial{Listener: ln, conns: make(chan net.Conn, 10)}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			port.conns <- conn
		}
	}()
	return setupIPMI(t, fmt.Sprintf("sol \"tcp:%s\" 115200\n", ln.Addr())), port
}

// plugged is the cable between BMC and machine.
func (s *serial) plugged(t *testing.T) net.Conn {
	t.Helper()
	select {
	case conn := <-s.conns:
		t.Cleanup(func() { conn.Close() })
		return conn
	case <-time.After(20 * time.Second):
		t.Fatal("the BMC does not open its serial port")
		return nil
	}
}

// screen collects what a reader sees.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	err  error
	done chan struct{}
}

func watch(r io.Reader) *screen {
	s := &screen{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		buffer := make([]byte, 1000)
		for {
			n, err := r.Read(buffer)
			s.mu.Lock()
			s.text.Write(buffer[:n])
			s.err = err
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) requireShows(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(s.String(), text) }, 20*time.Second, 5*time.Millisecond,
		"want %q on the console", text)
}

func (s *screen) requireEnds(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case <-s.done:
	case <-time.After(limit):
		t.Fatal("the console does not end")
	}
}

func openConsole(t *testing.T, d *bmc.Driver, record metal.BMC) *bmc.Console {
	t.Helper()
	c, err := d.Console(t.Context(), record)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
