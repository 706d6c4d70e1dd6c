package netrack

import (
	"context"
	"net"
	"sync"
)

// front is a switch's SSH port: a listener on the machine's loopback that
// gives each connection an sshd in the switch.
type front struct {
	node        *Node
	config      string
	fingerprint string
	password    string
	key         string

	listener net.Listener
	ctx      context.Context // ends with the front, and every sshd with it
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

func (f *front) listen() (err error) {
	if f.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.running.Go(f.accept)
	return nil
}

func (f *front) address() string { return f.listener.Addr().String() }

func (f *front) accept() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		f.running.Go(func() { f.serve(conn.(*net.TCPConn)) })
	}
}

// serve hands the connection itself to an sshd, which serves it and ends. What
// the login started is the switch's and outlives it.
func (f *front) serve(conn *net.TCPConn) {
	socket, err := conn.File()
	_ = conn.Close()
	if err != nil {
		return
	}
	defer func() { _ = socket.Close() }()
	sshd := f.node.Command(f.ctx, "/usr/sbin/sshd", "-i", "-f", f.config)
	sshd.Stdin, sshd.Stdout = socket, socket
	_ = sshd.Run() // a client that leaves early is no failure of ours
}

func (f *front) close() {
	if f.listener == nil {
		return
	}
	_ = f.listener.Close()
	f.cancel()
	f.running.Wait()
}
