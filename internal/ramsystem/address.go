//go:build linux

package ramsystem

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

// apply gives a link the lease's address and routes, and takes away those of
// an earlier lease. Applying the same lease again changes nothing.
func (l lease) apply(name, resolv string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	if err := l.address4(link); err != nil {
		return fmt.Errorf("give %s to %s: %w", l.address, name, err)
	}
	for _, r := range l.routes {
		if err := netlink.RouteReplace(r.on(link, l.address)); err != nil {
			return fmt.Errorf("route %s by %s on %s: %w", r.to, r.via, name, err)
		}
	}
	if len(l.resolvers) == 0 {
		return nil
	}
	if err := os.WriteFile(resolv, []byte(l.resolver()), 0o644); err != nil {
		return fmt.Errorf("name the resolvers: %w", err)
	}
	return nil
}

// address4 makes the lease's address the only one of version 4.
func (l lease) address4(link netlink.Link) error {
	wanted := &netlink.Addr{IPNet: ipNet(l.address)}
	held, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, old := range held {
		if old.IPNet.String() == wanted.IPNet.String() {
			continue
		}
		if err := netlink.AddrDel(link, &old); err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return err
		}
	}
	return netlink.AddrReplace(link, wanted)
}

// on is the route as the kernel wants it. A gateway outside the link's prefix
// is on the link all the same: so a /32 is given.
func (r route) on(link netlink.Link, address netip.Prefix) *netlink.Route {
	to := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(r.to), Src: address.Addr().AsSlice()}
	if !r.via.IsValid() {
		to.Scope = netlink.SCOPE_LINK
		return to
	}
	to.Gw = r.via.AsSlice()
	if !address.Contains(r.via) {
		to.Flags = int(netlink.FLAG_ONLINK)
	}
	return to
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func (l lease) resolver() string {
	var text strings.Builder
	if l.domain != "" {
		fmt.Fprintf(&text, "search %s\n", l.domain)
	}
	for _, server := range l.resolvers {
		fmt.Fprintf(&text, "nameserver %s\n", server)
	}
	return text.String()
}
