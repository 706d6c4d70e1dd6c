package line

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Listener is a TCP listener that goes wrong when told. Its methods may be
// called at the same time, from anywhere.
type Listener struct {
	address net.Addr

	mu      sync.Mutex
	inner   net.Listener // nil while refused, and once closed
	closed  bool
	weather *weather
	conns   map[*conn]struct{}
}

// weather is what all connections meet until it changes.
type weather struct {
	refused bool
	silent  bool
	delay   time.Duration // before each piece that is read
	over    chan struct{} // closed when other weather has come
}

// Listen opens a listener on which nothing goes wrong yet.
func Listen(address string) (*Listener, error) {
	inner, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Listener{
		address: inner.Addr(), inner: inner, conns: map[*conn]struct{}{},
		weather: &weather{over: make(chan struct{})},
	}, nil
}

// Addr stays the same while connections are refused.
func (l *Listener) Addr() net.Addr { return l.address }

// Accept waits out the time in which connections are refused.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		l.mu.Lock()
		inner, now := l.inner, l.weather
		l.mu.Unlock()
		if inner == nil {
			if l.ended() {
				return nil, net.ErrClosed
			}
			<-now.over
			continue
		}
		accepted, err := inner.Accept()
		if err == nil {
			if c := l.admit(accepted); c != nil {
				return c, nil
			}
			continue
		}
		if l.ended() || l.serves(inner) {
			return nil, err
		}
	}
}

func (l *Listener) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *Listener) serves(inner net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inner == inner
}

// admit takes a client in, unless it came while the door was being shut.
func (l *Listener) admit(accepted net.Conn) *conn {
	c := &conn{Conn: accepted, of: l, gone: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.weather.refused || l.closed {
		abort(accepted)
		return nil
	}
	l.conns[c] = struct{}{}
	return c
}

// Close ends the listener; who is connected stays so, as with any listener.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	var err error
	if l.inner != nil {
		err, l.inner = l.inner.Close(), nil
	}
	l.change(weather{})
	return err
}

// change brings other weather; it wants the lock.
func (l *Listener) change(to weather) {
	to.over = make(chan struct{})
	was := l.weather
	l.weather = &to
	close(was.over)
}

// reopenLimit is how long Heal tries to get its address back: another socket
// may have it for a moment.
const reopenLimit = 5 * time.Second

// Heal ends whatever went wrong; connections that were cut stay cut.
func (l *Listener) Heal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner == nil && !l.closed {
		inner, err := reopen(l.address.String())
		if err != nil {
			return fmt.Errorf("listen on %s again: %w", l.address, err)
		}
		l.inner = inner
	}
	l.change(weather{})
	return nil
}

func reopen(address string) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(context.Background(), reopenLimit)
	defer cancel()
	for {
		inner, err := net.Listen("tcp", address)
		if err == nil {
			return inner, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
