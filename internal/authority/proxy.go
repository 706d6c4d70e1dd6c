package authority

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Proxy is what a client's HTTPS_PROXY may point to: it answers CONNECT to port
// 443 of its names, and what comes through the connection is accepted here, as
// by a listener. It opens no connection to anywhere.
type Proxy struct {
	names    []string
	accepted chan net.Conn
	address  net.Addr
	closed   chan struct{}
	once     sync.Once
}

// NewProxy makes one that stands for these names, at an address.
func NewProxy(names []string, address net.Addr) *Proxy {
	return &Proxy{names: names, accepted: make(chan net.Conn), address: address, closed: make(chan struct{})}
}

// ServeHTTP answers CONNECT.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "this proxy answers CONNECT "+p.names[0]+":443 and nothing else; clients take it from HTTPS_PROXY", http.StatusMethodNotAllowed)
		return
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil || port != "443" || !slices.Contains(p.names, strings.ToLower(host)) {
		http.Error(w, "this proxy leads to "+p.names[0]+":443 and nowhere else; give it to the client alone that asks there", http.StatusForbidden)
		return
	}
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "the connection cannot be taken over; speak HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	if _, err := fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	select {
	case p.accepted <- tunnel{conn, buffer.Reader}:
	case <-p.closed:
		_ = conn.Close()
	}
}

// tunnel reads first what came along with the CONNECT.
type tunnel struct {
	net.Conn
	read *bufio.Reader
}

// Read is net.Conn's.
func (t tunnel) Read(b []byte) (int, error) { return t.read.Read(b) }

// Accept waits for the next tunnel.
func (p *Proxy) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and refuses further tunnels.
func (p *Proxy) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() net.Addr { return p.address }
