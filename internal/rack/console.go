package rack

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// console is a machine's serial line. QEMU calls it on a Unix socket at each
// power on; what the machine says goes to a file, line by line to whoever
// wants to know, and to whoever is connected to its TCP port: the BMC's SOL,
// whose keys go back to the machine.
type console struct {
	heard func(line string, at time.Time)

	machine, watchers net.Listener
	file              *os.File
	serving           sync.WaitGroup

	mu   sync.Mutex
	now  net.Conn // the machine that is on
	sol  map[net.Conn]bool
	line []byte
}

// openConsole listens on both sides and writes what it hears to file.
func openConsole(socket, tcp, file string, heard func(string, time.Time)) (c *console, err error) {
	c = &console{heard: heard, sol: map[net.Conn]bool{}}
	if c.file, err = os.Create(file); err != nil {
		return nil, err
	}
	if c.machine, err = net.Listen("unix", socket); err != nil {
		return nil, errors.Join(err, c.file.Close())
	}
	if c.watchers, err = net.Listen("tcp", tcp); err != nil {
		return nil, errors.Join(err, c.machine.Close(), c.file.Close())
	}
	c.serving.Go(func() { c.accept(c.machine, c.listen) })
	c.serving.Go(func() { c.accept(c.watchers, c.watch) })
	return c, nil
}

func (c *console) accept(l net.Listener, serve func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		c.serving.Go(func() {
			defer func() { _ = conn.Close() }()
			serve(conn)
		})
	}
}

// listen hears one machine from power on to power off.
func (c *console) listen(conn net.Conn) {
	c.mu.Lock()
	c.now = conn
	c.mu.Unlock()
	_, _ = io.Copy(writer(c.hear), conn) // ends with the machine
}

// watch is one connection of the BMC's.
func (c *console) watch(conn net.Conn) {
	c.mu.Lock()
	c.sol[conn] = true
	c.mu.Unlock()
	_, _ = io.Copy(writer(c.press), conn)
	c.mu.Lock()
	delete(c.sol, conn)
	c.mu.Unlock()
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// hear takes what the machine says. A watcher that does not read is cut off:
// a machine does not wait for who looks at it.
func (c *console) hear(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.file.Write(p); err != nil {
		return 0, err
	}
	for conn := range c.sol {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := conn.Write(p); err != nil {
			_ = conn.Close()
		}
	}
	c.line = append(c.line, p...)
	for {
		end := bytes.IndexAny(c.line, "\r\n")
		if end < 0 {
			return len(p), nil
		}
		if end > 0 {
			c.heard(string(c.line[:end]), time.Now())
		}
		c.line = c.line[end+1:]
	}
}

// press gives the machine what somebody types.
func (c *console) press(p []byte) (int, error) {
	c.mu.Lock()
	now := c.now
	c.mu.Unlock()
	if now != nil {
		_, _ = now.Write(p) // a machine that is off reads nothing
	}
	return len(p), nil
}

func (c *console) close() {
	_, _ = c.machine.Close(), c.watchers.Close()
	c.mu.Lock()
	for conn := range c.sol {
		_ = conn.Close()
	}
	if c.now != nil {
		_ = c.now.Close()
	}
	c.mu.Unlock()
	c.serving.Wait()
	_ = c.file.Close()
}
