//go:build linux

package ramsystem

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/stretchr/testify/require"
)

func acked(t *testing.T, options ...dhcpv4.Modifier) *nclient4.Lease {
	t.Helper()
	ack, err := dhcpv4.New(append([]dhcpv4.Modifier{
		dhcpv4.WithMessageType(dhcpv4.MessageTypeAck), dhcpv4.WithYourIP(net.IPv4(10, 0, 0, 7)),
	}, options...)...)
	require.NoError(t, err)
	parsed, err := dhcpv4.FromBytes(ack.ToBytes())
	require.NoError(t, err)
	return &nclient4.Lease{Offer: parsed, ACK: parsed}
}

func TestALeaseOfASlash31IsRead(t *testing.T) {
	t.Parallel()
	got, err := readLease(acked(t,
		dhcpv4.WithNetmask(net.CIDRMask(31, 32)), dhcpv4.WithRouter(net.IPv4(10, 0, 0, 6)),
		dhcpv4.WithLeaseTime(600), dhcpv4.WithDNS(net.IPv4(10, 1, 1, 1), net.IPv4(10, 1, 1, 2)),
		dhcpv4.WithOption(dhcpv4.OptDomainName("lab.example")),
	))
	require.NoError(t, err)
	require.Equal(t, netip.MustParsePrefix("10.0.0.7/31"), got.address)
	require.Equal(t, []route{{everywhere, netip.MustParseAddr("10.0.0.6")}}, got.routes)
	require.Equal(t, 10*time.Minute, got.lasts)
	require.Equal(t, "search lab.example\nnameserver 10.1.1.1\nnameserver 10.1.1.2\n", got.resolver())
}

func TestRoutesOfOption121CountBeforeTheRouter(t *testing.T) {
	t.Parallel()
	got, err := readLease(acked(t,
		dhcpv4.WithNetmask(net.CIDRMask(31, 32)), dhcpv4.WithRouter(net.IPv4(192, 0, 2, 1)), dhcpv4.WithLeaseTime(0xffffffff),
		dhcpv4.WithOption(dhcpv4.OptClasslessStaticRoute(
			&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(10, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, Router: net.IPv4(10, 0, 0, 6).To4()},
			&dhcpv4.Route{Dest: &net.IPNet{IP: net.IPv4(192, 168, 1, 0).To4(), Mask: net.CIDRMask(24, 32)}, Router: net.IPv4zero.To4()},
		)),
	))
	require.NoError(t, err)
	require.Equal(t, []route{
		{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParseAddr("10.0.0.6")},
		{netip.MustParsePrefix("192.168.1.0/24"), netip.Addr{}},
	}, got.routes)
	require.Zero(t, got.lasts, "for ever")
}

func TestALeaseThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	_, err := readLease(acked(t))
	require.ErrorContains(t, err, "the server gave 10.0.0.7 without a subnet mask")
	_, err = readLease(acked(t, dhcpv4.WithYourIP(net.IPv4zero)))
	require.ErrorContains(t, err, "the server gave no address")
}
