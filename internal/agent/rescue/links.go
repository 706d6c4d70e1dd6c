package rescue

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"millwright/internal/metal"
)

// What a link leads to. The whole internet is two halves, which count before the
// default route that DHCP gave and leave it in its place: so what the tenant
// starts speaks from the device's own address.
var (
	private = prefixes("10.0.0.0/8")
	public  = prefixes("0.0.0.0/1", "128.0.0.0/1")
	public6 = prefixes("::/1", "8000::/1")
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// Links gives the link over which the boot service is reached the device's
// addresses, and routes through the switch's ends. The way to the boot service
// itself stays as it is: it knows the machine by the address that it gave. What
// was added goes with undo.
func Links(boot netip.Addr, leases []metal.Lease) (undo func(), err error) {
	ways, err := netlink.RouteGet(boot.AsSlice())
	if err != nil || len(ways) == 0 {
		return nil, fmt.Errorf("find the link to the boot service at %s: %w", boot, err)
	}
	link, err := netlink.LinkByIndex(ways[0].LinkIndex)
	if err != nil {
		return nil, fmt.Errorf("find the link to the boot service at %s: %w", boot, err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("find the loopback interface: %w", err)
	}
	d := device{link: link, lo: lo}
	home := netlink.Route{LinkIndex: link.Attrs().Index, Dst: network(netip.PrefixFrom(boot, boot.BitLen())),
		Gw: ways[0].Gw, Src: ways[0].Src, Flags: int(netlink.FLAG_ONLINK)}
	if home.Gw == nil {
		home.Flags, home.Scope = 0, netlink.SCOPE_LINK
	}
	if err := d.route(home); err != nil {
		return nil, err
	}
	for _, lease := range leases {
		if err := d.add(lease); err != nil {
			d.undo()
			return nil, err
		}
	}
	return d.undo, nil
}

// device is a link with what was added to it.
type device struct {
	link   netlink.Link
	lo     netlink.Link
	undone []func() error
}

func (d *device) undo() {
	for i := len(d.undone) - 1; i >= 0; i-- {
		_ = d.undone[i]() // it went with its address, or the machine leaves anyway
	}
	d.undone = nil
}

// add gives an address and its routes. Those of version 4 are the loopback
// interface's, for which Linux answers on every link: whoever keeps the DHCP
// lease makes its address the only one of version 4 on the link each time that
// it is renewed.
func (d *device) add(lease metal.Lease) error {
	ends := lease.Link()
	holder, address := d.lo, &netlink.Addr{IPNet: network(netip.PrefixFrom(ends.Machine(), ends.Machine().BitLen()))}
	if ends.Machine().Is6() {
		holder, address.Mask = d.link, network(lease.Prefix).Mask
		address.Flags = unix.IFA_F_NODAD // a link of two needs no search for a third
	}
	if err := netlink.AddrReplace(holder, address); err != nil {
		return fmt.Errorf("give %s the address %s: %w", holder.Attrs().Name, ends.Machine(), err)
	}
	d.undone = append(d.undone, func() error { return netlink.AddrDel(holder, address) })
	to := public
	switch {
	case ends.Switch().Is6():
		to = public6
	case lease.Role == metal.Private:
		to = private
	}
	for _, prefix := range to {
		err := d.route(netlink.Route{LinkIndex: d.link.Attrs().Index, Dst: network(prefix),
			Gw: ends.Switch().AsSlice(), Src: ends.Machine().AsSlice(), Flags: int(netlink.FLAG_ONLINK)})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *device) route(r netlink.Route) error {
	if err := netlink.RouteReplace(&r); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("route %s through %s on %s: %w", r.Dst, r.Gw, d.link.Attrs().Name, err)
	}
	d.undone = append(d.undone, func() error { return netlink.RouteDel(&r) })
	return nil
}

func network(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
