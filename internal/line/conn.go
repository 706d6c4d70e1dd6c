package line

import (
	"net"
	"sync"
	"time"
)

// conn is a connection in its listener's weather.
type conn struct {
	net.Conn
	of   *Listener
	once sync.Once
	gone chan struct{} // closed with the connection
}

// Read hands out what came in once the weather lets it through.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if weather := c.of.now(); err == nil && weather.delay > 0 {
		c.pause(weather)
	}
	if !c.passes() {
		return 0, net.ErrClosed
	}
	return n, err
}

// Write waits for weather in which something can be sent.
func (c *conn) Write(b []byte) (int, error) {
	if !c.passes() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// passes waits until the line is not silent; false says that the connection
// ended first.
func (c *conn) passes() bool {
	for {
		weather := c.of.now()
		if !weather.silent {
			return true
		}
		select {
		case <-weather.over:
		case <-c.gone:
			return false
		}
	}
}

func (c *conn) pause(weather *weather) {
	timer := time.NewTimer(weather.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-weather.over:
	case <-c.gone:
	}
}

// Close also ends a wait for better weather.
func (c *conn) Close() error {
	c.leave()
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// SetLinger is net.TCPConn's: with 0 the end of the connection is a reset.
func (c *conn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}

// abort resets the connection; its listener's lock is held.
func (c *conn) abort() {
	c.leave()
	delete(c.of.conns, c)
	abort(c.Conn)
}

func (c *conn) leave() { c.once.Do(func() { close(c.gone) }) }
