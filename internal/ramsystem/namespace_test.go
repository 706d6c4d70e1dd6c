//go:build linux

package ramsystem

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
)

const aloneVariable = "MILLWRIGHT_TEST_ALONE"

// alone runs a test once more, in a process with a network of its own. It is
// root there, whoever runs the tests.
func alone(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if os.Getenv(aloneVariable) == t.Name() {
		test(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), aloneVariable+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+t.Name(), string(out))
}

// cable makes two ends, and raises them.
func cable(t *testing.T, near, far string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = near
	require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: far}))
	require.NoError(t, raise(near))
	require.NoError(t, raise(far))
}

// server gives one address on a link, with the even end of its /31 as router.
type server struct {
	mu     sync.Mutex
	gives  net.IP
	router net.IP
	silent bool
}

func (s *server) give(address, router string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gives, s.router = net.ParseIP(address).To4(), net.ParseIP(router).To4()
}

func (s *server) answer(conn net.PacketConn, _ net.Addr, asked *dhcpv4.DHCPv4) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := map[dhcpv4.MessageType]dhcpv4.MessageType{
		dhcpv4.MessageTypeDiscover: dhcpv4.MessageTypeOffer, dhcpv4.MessageTypeRequest: dhcpv4.MessageTypeAck,
	}[asked.MessageType()]
	// A client that renews says which address it has; this server keeps to its own.
	if old := asked.ClientIPAddr.To4(); old != nil && !old.IsUnspecified() && !old.Equal(s.gives) {
		kind = dhcpv4.MessageTypeNak
	}
	reply, err := dhcpv4.NewReplyFromRequest(asked, dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(s.gives),
		dhcpv4.WithServerIP(s.router), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 0, 0, 1))), dhcpv4.WithRouter(s.router),
		dhcpv4.WithNetmask(net.CIDRMask(31, 32)), dhcpv4.WithLeaseTime(600), dhcpv4.WithDNS(net.IPv4(10, 1, 1, 1)))
	if err == nil && !s.silent {
		_, _ = conn.WriteTo(reply.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68})
	}
}

func serve(t *testing.T, link string) *server {
	t.Helper()
	s := &server{}
	listening, err := server4.NewServer(link, &net.UDPAddr{Port: 67}, s.answer)
	require.NoError(t, err)
	go listening.Serve() // ends with the test
	t.Cleanup(func() { listening.Close() })
	return s
}

func TestALeaseIsPutToUseRenewedAndReplaced(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T) {
		// One link without a carrier, one without a server, and the right one.
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "dark"
		require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "unplugged"}))
		cable(t, "silent", "nobody")
		cable(t, "right", "leaf")
		boot := serve(t, "leaf")
		boot.give("10.9.8.7", "10.9.8.6")
		resolv := filepath.Join(t.TempDir(), "resolv.conf")
		s := &System{log: slog.New(slog.DiscardHandler), resolv: resolv, keeping: func() {}}

		h, err := race(t.Context(), []string{"dark", "silent", "right"})
		require.NoError(t, err)
		s.put(h)
		s.put(h) // an agent that was started again does the same
		require.Equal(t, []string{"10.9.8.7/31"}, addresses(t, "right"))
		require.Equal(t, []string{"10.9.8.6"}, gateways(t))
		text, err := os.ReadFile(resolv)
		require.NoError(t, err)
		require.Equal(t, "nameserver 10.1.1.1\n", string(text))

		first := h.lease.raw.CreationTime
		h = s.again(t.Context(), h)
		require.True(t, h.lease.raw.CreationTime.After(first), "renewed")
		require.Equal(t, "10.9.8.7/31", h.lease.address.String())

		// The port was given another link: the server refuses the old address.
		boot.give("10.9.8.9", "10.9.8.8")
		h = s.again(t.Context(), h)
		require.Equal(t, []string{"10.9.8.9/31"}, addresses(t, "right"))
		require.Equal(t, []string{"10.9.8.8"}, gateways(t))

		boot.mu.Lock()
		boot.silent = true
		boot.mu.Unlock()
		within, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.again(within, h)
		require.Equal(t, []string{"10.9.8.9/31"}, addresses(t, "right"), "kept although nobody answers")
	})
}

func addresses(t *testing.T, name string) []string {
	t.Helper()
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	held, err := netlink.AddrList(link, netlink.FAMILY_V4)
	require.NoError(t, err)
	var found []string
	for _, a := range held {
		found = append(found, a.IPNet.String())
	}
	return found
}

func gateways(t *testing.T) []string {
	t.Helper()
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	require.NoError(t, err)
	var found []string
	for _, r := range routes {
		if r.Gw != nil {
			found = append(found, r.Gw.String())
		}
	}
	return found
}

func TestAMachineWithoutANetworkSaysWhyAndGoesOn(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		said := make(sentences, 1)
		s := &System{log: slog.New(slog.NewTextHandler(said, nil)), keeping: func() {}}
		ended := make(chan error, 1)
		go func() { ended <- s.Network(ctx) }()
		require.Contains(t, <-said, "no network interface has appeared")
		select {
		case err := <-ended:
			require.FailNow(t, "it gave up", "%v", err)
		default:
		}
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

func TestALinkWithoutACarrierOrAServerIsNamed(t *testing.T) {
	t.Parallel()
	alone(t, func(t *testing.T) {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "dark"
		require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "unplugged"}))
		cable(t, "silent", "nobody")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := race(ctx, []string{"dark", "silent"})
		require.ErrorContains(t, err, "dark has no carrier: a cable, or the switch's port")
		require.ErrorContains(t, err, "nobody answers DHCP on silent")
	})
}

// sentences hands on what is logged.
type sentences chan string

// Write hands on one sentence, and drops what nobody waits for.
func (s sentences) Write(text []byte) (int, error) {
	select {
	case s <- strings.TrimSpace(string(text)):
	default:
	}
	return len(text), nil
}
