package dhcp

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/stretchr/testify/require"
)

// started starts a server on loopback and gives its address.
func started(t testing.TB, s *Server) *net.UDPAddr {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, conn) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	return conn.LocalAddr().(*net.UDPAddr)
}

// relay is the switch end of m7's link, on a port of its own.
func relay(t testing.TB, server *net.UDPAddr) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 20, 0, 14)}, server)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func exchange(t testing.TB, conn *net.UDPConn, req *dhcpv4.DHCPv4) *dhcpv4.DHCPv4 {
	t.Helper()
	_, err := conn.Write(req.ToBytes())
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	buf := make([]byte, maxPacket)
	n, err := conn.Read(buf)
	require.NoError(t, err)
	reply, err := dhcpv4.FromBytes(buf[:n])
	require.NoError(t, err)
	return reply
}

var sourcePort = relayedBy(circuit, dhcpv4.OptGeneric(dhcpv4.RelaySourcePortSubOption, nil))

func TestARelayWithoutPrivilegesIsAnsweredOnItsOwnPort(t *testing.T) {
	t.Parallel()
	heard := make(chan Answer, 10)
	conn := relay(t, started(t, &Server{Site: site, Machines: oneMachine("127.20.0.14/31"), Heard: func(a Answer) { heard <- a }}))
	offer := exchange(t, conn, request(t, dhcpv4.MessageTypeDiscover, sourcePort))
	require.Equal(t, dhcpv4.MessageTypeOffer, offer.MessageType())
	ack := exchange(t, conn, request(t, dhcpv4.MessageTypeRequest, sourcePort,
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(offer.YourIPAddr)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(offer.ServerIdentifier()))))
	require.Equal(t, dhcpv4.MessageTypeAck, ack.MessageType())
	require.Equal(t, Offered, (<-heard).Outcome)
	require.Equal(t, Acked, (<-heard).Outcome)
}

func TestTheAnswerGoesToTheRelayItselfOnThePortItAskedFor(t *testing.T) {
	t.Parallel()
	forger := netip.MustParseAddrPort("127.66.0.1:4011")
	require.Equal(t, "127.20.0.14:67", destination(request(t, dhcpv4.MessageTypeDiscover), forger).String())
	require.Equal(t, "127.20.0.14:4011", destination(request(t, dhcpv4.MessageTypeDiscover, sourcePort), forger).String())
}

func TestGarbageIsHeardAndDoesNotStopTheServer(t *testing.T) {
	t.Parallel()
	heard := make(chan Answer, 10)
	conn := relay(t, started(t, &Server{Site: site, Machines: oneMachine("127.20.0.14/31"), Readers: 1, Heard: func(a Answer) { heard <- a }}))
	_, err := conn.Write([]byte("not DHCP"))
	require.NoError(t, err)
	require.Equal(t, Malformed, (<-heard).Outcome)
	exchange(t, conn, request(t, dhcpv4.MessageTypeDiscover, sourcePort))
}

func TestASocketThatIsClosedUnderTheServerIsAnError(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	s := &Server{Site: site, Machines: oneMachine("127.20.0.14/31")}
	require.ErrorIs(t, s.Serve(t.Context(), conn), net.ErrClosed)
}

// FuzzHandle looks for packets that crash the server, and for answers that
// break the rule that matters: nobody but the switch of the link is answered,
// and nothing but the address of the link is given out.
func FuzzHandle(f *testing.F) {
	for _, mt := range []dhcpv4.MessageType{dhcpv4.MessageTypeDiscover, dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeInform} {
		f.Add(request(f, mt, sourcePort, asking("127.20.0.15")).ToBytes())
		f.Add(request(f, mt, without82).ToBytes())
	}
	s := &Server{Site: site, Machines: oneMachine("127.20.0.14/31")}
	f.Fuzz(func(t *testing.T, packet []byte) {
		out, to := s.handle(packet, netip.MustParseAddrPort("127.66.0.1:4011"))
		if out == nil {
			return
		}
		require.Equal(t, "127.20.0.14", to.Addr().String())
		reply, err := dhcpv4.FromBytes(out)
		require.NoError(t, err)
		if !reply.YourIPAddr.IsUnspecified() {
			require.Equal(t, "127.20.0.15", reply.YourIPAddr.String())
		}
	})
}

// BenchmarkExchange is a DISCOVER and its OFFER without the system calls.
func BenchmarkExchange(b *testing.B) {
	s := &Server{Site: site, Machines: oneMachine("127.20.0.14/31")}
	packet := request(b, dhcpv4.MessageTypeDiscover, sourcePort, option(dhcpv4.OptionClassIdentifier, "PXEClient")).ToBytes()
	from := netip.MustParseAddrPort("127.20.0.14:4011")
	b.ReportAllocs()
	for b.Loop() {
		s.handle(packet, from)
	}
}

// BenchmarkSocket is the four-way exchange over loopback, one relay.
func BenchmarkSocket(b *testing.B) {
	conn := relay(b, started(b, &Server{Site: site, Machines: oneMachine("127.20.0.14/31")}))
	discover := request(b, dhcpv4.MessageTypeDiscover, sourcePort)
	ask := request(b, dhcpv4.MessageTypeRequest, sourcePort, asking("127.20.0.15"))
	b.ReportAllocs()
	for b.Loop() {
		exchange(b, conn, discover)
		exchange(b, conn, ask)
	}
}
