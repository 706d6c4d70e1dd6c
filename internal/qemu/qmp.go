package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// monitor speaks QMP, one command at a time.
type monitor struct {
	mu   sync.Mutex
	conn net.Conn
	from *json.Decoder
}

// socketPair is our end of a connection, and the end that QEMU inherits. It has
// no path, so it is never too long and nobody else opens it.
func socketPair() (net.Conn, *os.File, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket for QMP: %w", err)
	}
	ours := os.NewFile(uintptr(ends[0]), "qmp")
	defer func() { _ = ours.Close() }() // FileConn takes a copy
	conn, err := net.FileConn(ours)
	return conn, os.NewFile(uintptr(ends[1]), "qmp of QEMU"), err
}

// answer is any message of QEMU's: its greeting, an event, or what came of a
// command.
type answer struct {
	Greeting json.RawMessage `json:"QMP"`
	Event    string          `json:"event"`
	Return   json.RawMessage `json:"return"`
	Error    *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

// do sends a command and waits for what came of it; events that come meanwhile
// are dropped. A connection that was cut in the middle is of no more use.
func (m *monitor) do(ctx context.Context, command string, arguments any) (json.RawMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = m.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	message := map[string]any{"execute": command}
	if arguments != nil {
		message["arguments"] = arguments
	}
	if err := json.NewEncoder(m.conn).Encode(message); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	a, err := m.next(func(a answer) bool { return a.Return != nil || a.Error != nil })
	switch {
	case err != nil:
		return nil, errors.Join(ctx.Err(), err)
	case a.Error != nil:
		return nil, fmt.Errorf("%s: %s", a.Error.Class, a.Error.Desc)
	}
	return a.Return, nil
}

// next reads up to a message that is wanted.
func (m *monitor) next(wanted func(answer) bool) (answer, error) {
	for {
		var a answer
		if err := m.from.Decode(&a); err != nil || wanted(a) {
			return a, err
		}
	}
}
