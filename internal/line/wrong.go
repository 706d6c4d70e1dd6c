package line

import (
	"net"
	"time"
)

// Cut resets every connection that is open now; new ones are served.
func (l *Listener) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
}

func (l *Listener) cut() {
	for c := range l.conns {
		c.abort()
	}
}

// Refuse is what the death of a program looks like: every connection is reset,
// and new ones are refused until Heal.
func (l *Listener) Refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner != nil {
		_ = l.inner.Close() // it refuses from now on, whatever it says
		l.inner = nil
	}
	l.change(weather{refused: true})
	l.cut()
}

// Silence keeps every connection open, and new ones are taken, but no byte
// passes until Heal: a network that drops packets, or a program that hangs.
// What was on its way arrives then.
func (l *Listener) Silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change(weather{silent: true})
}

// Slow holds each piece that a client sends for a while until Heal.
func (l *Listener) Slow(delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change(weather{delay: delay})
}

// now is the weather of this moment.
func (l *Listener) now() *weather {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.weather
}

// abort closes a connection with a reset, as a process that dies with unread
// input does, or a firewall: without it the other end would read a clean end.
func abort(c net.Conn) {
	if tcp, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0) // a socket that is gone is as good
	}
	_ = c.Close()
}
