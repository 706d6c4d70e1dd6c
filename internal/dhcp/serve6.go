package dhcp

import (
	"context"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// Server6 answers DHCPv6 on one socket.
type Server6 struct {
	Site     Site6
	Machines Machines
	Heard    func(Answer) // told of every packet; must not block
	Readers  int          // goroutines that read the socket; 4 where it is zero
}

const serverPort6 = 547

// Serve answers until ctx ends, and closes the socket then. It returns nil if
// it was the end of ctx that stopped it.
func (s *Server6) Serve(ctx context.Context, conn *net.UDPConn) error {
	return serve(ctx, conn, s.Readers, "DHCPv6", s.handle)
}

func (s *Server6) handle(packet []byte, from netip.AddrPort) ([]byte, netip.AddrPort) {
	a := Answer6{Answer: Answer{Type: typeOther, Client: ClientUnknown, Outcome: Malformed}}
	req, err := dhcpv6.FromBytes(packet)
	if err == nil {
		a = s.Site.Answer(req, s.Machines)
	}
	if s.Heard != nil {
		s.Heard(a.Answer)
	}
	if a.Reply6 == nil {
		return nil, netip.AddrPort{}
	}
	return a.Reply6.ToBytes(), destination6(a.Reply6, from)
}

// destination6 is where the relay sent from, at its server port or the one that
// it asked for. Its address is not that of the link (RFC 8415 section 19.3), so
// a forged one gets an answer, but of nothing that is a secret.
func destination6(reply *dhcpv6.RelayMessage, from netip.AddrPort) netip.AddrPort {
	if reply.GetOneOption(dhcpv6.OptionRelayPort) != nil {
		return from
	}
	return netip.AddrPortFrom(from.Addr(), serverPort6)
}
