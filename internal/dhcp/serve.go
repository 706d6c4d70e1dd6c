package dhcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Server answers on one socket.
type Server struct {
	Site     Site
	Machines Machines
	Heard    func(Answer) // told of every packet; must not block
	Readers  int          // goroutines that read the socket; 4 where it is zero
}

const (
	defaultReaders = 4
	maxPacket      = 1500 // relays do not fragment; what is longer is cut off and malformed
	serverPort     = 67
)

// Serve answers until ctx ends, and closes the socket then. It returns nil if
// it was the end of ctx that stopped it.
func (s *Server) Serve(ctx context.Context, conn *net.UDPConn) error {
	return serve(ctx, conn, s.Readers, "DHCP", s.handle)
}

// handler turns a packet into its answer, if it has one, and says where to.
type handler func(packet []byte, from netip.AddrPort) ([]byte, netip.AddrPort)

func serve(ctx context.Context, conn *net.UDPConn, readers int, protocol string, handle handler) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if readers == 0 {
		readers = defaultReaders
	}
	errs := make([]error, readers)
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() { errs[i] = read(conn, handle) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("answer %s on %s: %w", protocol, conn.LocalAddr(), errors.Join(errs...))
}

func read(conn *net.UDPConn, handle handler) error {
	buf := make([]byte, maxPacket)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			continue // an ICMP error of an earlier reply; the socket itself is well
		}
		reply, to := handle(buf[:n], from)
		if reply != nil {
			// A reply that is lost here is like one lost on the wire: the client
			// asks again.
			_, _ = conn.WriteToUDPAddrPort(reply, to)
		}
	}
}

// handle is all that happens to a packet between two system calls.
func (s *Server) handle(packet []byte, from netip.AddrPort) ([]byte, netip.AddrPort) {
	req, err := dhcpv4.FromBytes(packet)
	if err != nil {
		s.heard(Answer{Type: typeOther, Client: ClientUnknown, Outcome: Malformed})
		return nil, netip.AddrPort{}
	}
	a := s.Site.Answer(req, s.Machines)
	defer s.heard(a)
	if a.Reply == nil {
		return nil, netip.AddrPort{}
	}
	return a.Reply.ToBytes(), destination(req, from)
}

func (s *Server) heard(a Answer) {
	if s.Heard != nil {
		s.Heard(a)
	}
}

// destination is the relay's server port, or the port that it sent from if it
// asked for that (RFC 8357), which is how relays without privileges work. The
// address is giaddr in either case: whoever forges it does not get the answer.
func destination(req *dhcpv4.DHCPv4, from netip.AddrPort) netip.AddrPort {
	relay := addrOf(req.GatewayIPAddr)
	if _, ok := subOption(req, subSourcePort); ok {
		return netip.AddrPortFrom(relay, from.Port())
	}
	return netip.AddrPortFrom(relay, serverPort)
}
