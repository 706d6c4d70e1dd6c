//go:build linux

package ramsystem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// lease is what a server gave.
type lease struct {
	address   netip.Prefix // with the bits of the host
	routes    []route
	resolvers []netip.Addr
	domain    string
	lasts     time.Duration // 0: for ever
	raw       *nclient4.Lease
}

// route leads to a prefix by a gateway, or straight onto the link.
type route struct {
	to  netip.Prefix
	via netip.Addr // zero: on the link itself
}

var everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// forEver is how a lease without an end is written (RFC 2131 section 3.3).
const forEver = 0xffffffff * time.Second

func readLease(raw *nclient4.Lease) (lease, error) {
	ack := raw.ACK
	address, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok || address.IsUnspecified() {
		return lease{}, errors.New("the server gave no address")
	}
	ones, bits := ack.SubnetMask().Size()
	if bits == 0 {
		return lease{}, fmt.Errorf("the server gave %s without a subnet mask", address)
	}
	l := lease{
		address: netip.PrefixFrom(address, ones), routes: routes(ack), domain: ack.DomainName(),
		lasts: ack.IPAddressLeaseTime(0), raw: raw,
	}
	if l.lasts == forEver {
		l.lasts = 0
	}
	for _, server := range ack.DNS() {
		if addr, ok := netip.AddrFromSlice(server.To4()); ok {
			l.resolvers = append(l.resolvers, addr)
		}
	}
	return l, nil
}

// routes are those of option 121, or else the router of option 3: a client
// that knows the first must not look at the second (RFC 3442).
func routes(ack *dhcpv4.DHCPv4) []route {
	if classless := ack.ClasslessStaticRoute(); len(classless) > 0 {
		var found []route
		for _, r := range classless {
			to, ok := netip.AddrFromSlice(r.Dest.IP.To4())
			if !ok {
				continue
			}
			ones, _ := r.Dest.Mask.Size()
			found = append(found, route{netip.PrefixFrom(to, ones).Masked(), gateway(r.Router)})
		}
		return found
	}
	for _, router := range ack.Router() {
		if via := gateway(router); via.IsValid() {
			return []route{{everywhere, via}}
		}
	}
	return nil
}

func gateway(ip net.IP) netip.Addr {
	addr, ok := netip.AddrFromSlice(ip.To4())
	if !ok || addr.IsUnspecified() {
		return netip.Addr{}
	}
	return addr
}

// patience is how long one message waits for its answer, and how often it is
// sent: a relay whose port came up this moment drops the first ones.
const (
	patience = 4 * time.Second
	resends  = 3
)

// asker asks for leases on one link.
type asker struct{ link string }

func newAsker(link string) (asker, error) {
	if _, err := net.InterfaceByName(link); err != nil {
		return asker{}, fmt.Errorf("ask on %s: %w", link, err)
	}
	return asker{link}, nil
}

// request asks as a machine that knows nothing, until ctx ends.
func (a asker) request(ctx context.Context) (lease, error) {
	var last error
	for ctx.Err() == nil {
		raw, err := a.with(func(c *nclient4.Client) (*nclient4.Lease, error) { return c.Request(ctx) })
		if err == nil {
			return readLease(raw)
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
	}
	return lease{}, fmt.Errorf("nobody answers DHCP on %s: %w", a.link, last)
}

// renew asks for more time. It is broadcast, like everything that the boot
// service hears: it comes through the switch's relay, which says which port
// this is.
func (a asker) renew(ctx context.Context, held lease) (lease, error) {
	raw, err := a.with(func(c *nclient4.Client) (*nclient4.Lease, error) { return c.Renew(ctx, held.raw) })
	if err != nil {
		return lease{}, fmt.Errorf("renew the lease of %s on %s: %w", held.address, a.link, err)
	}
	return readLease(raw)
}

// with opens a client for one exchange. A socket that stays open would copy
// every frame of the image that the agent downloads.
func (a asker) with(ask func(*nclient4.Client) (*nclient4.Lease, error)) (*nclient4.Lease, error) {
	client, err := nclient4.New(a.link, nclient4.WithTimeout(patience), nclient4.WithRetry(resends))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return ask(client)
}
