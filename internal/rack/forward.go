package rack

import (
	"io"
	"net"
	"sync"

	"millwright/internal/netrack"
)

// forward makes an address of this machine reachable inside a node, under an
// address of the node's. It is how a namespace without a management network
// gets the one connection that it needs of it.
type forward struct {
	listener net.Listener
	to       string

	mu      sync.Mutex
	open    map[net.Conn]bool
	running sync.WaitGroup
}

func forwardInto(n *netrack.Node, at, to string) (*forward, error) {
	f := &forward{to: to, open: map[net.Conn]bool{}}
	if err := n.Within(func() (err error) { f.listener, err = net.Listen("tcp", at); return err }); err != nil {
		return nil, err
	}
	f.running.Go(f.accept)
	return f, nil
}

func (f *forward) accept() {
	for {
		near, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		far, err := net.Dial("tcp", f.to)
		if err != nil {
			_ = near.Close() // as refused as it would be without us
			continue
		}
		f.running.Go(func() { f.join(near.(*net.TCPConn), far.(*net.TCPConn)) })
	}
}

// join carries both directions, each to its own end.
func (f *forward) join(near, far *net.TCPConn) {
	defer func() { _, _ = near.Close(), far.Close() }()
	f.mu.Lock()
	f.open[near], f.open[far] = true, true
	f.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { pour(near, far) })
	pour(far, near)
	back.Wait()
	f.mu.Lock()
	delete(f.open, near)
	delete(f.open, far)
	f.mu.Unlock()
}

func pour(to, from *net.TCPConn) {
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
}

func (f *forward) close() {
	_ = f.listener.Close()
	f.mu.Lock()
	for conn := range f.open {
		_ = conn.Close()
	}
	f.mu.Unlock()
	f.running.Wait()
}
