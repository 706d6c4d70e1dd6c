package line

import (
	"io"
	"net"
	"sync"
	"time"
)

// dialLimit is how long a client waits for the other end; on one machine it is
// there at once or not at all.
const dialLimit = 5 * time.Second

// Line leads whoever connects to it on to another address, and goes wrong when
// told, as its Listener does.
type Line struct {
	*Listener
	to      string
	serving sync.WaitGroup
}

// Lead opens a line to an address; nobody has to be there yet.
func Lead(from, to string) (*Line, error) {
	listener, err := Listen(from)
	if err != nil {
		return nil, err
	}
	l := &Line{Listener: listener, to: to}
	l.serving.Go(l.serve)
	return l, nil
}

// End closes the line and all that goes through it, and returns when nothing
// of it is left.
func (l *Line) End() {
	_ = l.Close() // closed already is as good
	l.Cut()
	l.serving.Wait()
}

func (l *Line) serve() {
	for {
		client, err := l.Accept()
		if err != nil {
			return // End closed it
		}
		l.serving.Go(func() { l.carry(client) })
	}
}

// carry copies both ways until one end leaves. A server that cannot be reached
// is a reset for the client, as it would be without a line.
func (l *Line) carry(client net.Conn) {
	server, err := net.DialTimeout("tcp", l.to, dialLimit)
	if err != nil {
		abort(client)
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, err := io.Copy(client, server)
		hangUp(client, err)
	})
	_, err = io.Copy(server, client)
	hangUp(server, err)
	back.Wait()
}

// hangUp ends one side as the other one ended: a lost end must not look like
// one that has said all.
func hangUp(c net.Conn, lost error) {
	if lost != nil {
		abort(c)
		return
	}
	_ = c.Close() // closed already is as good
}
