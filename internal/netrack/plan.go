package netrack

import (
	"context"
	"fmt"
	"net/netip"

	"millwright/internal/metal"
)

// The addresses of a rack. They repeat from rack to rack.
var (
	BootAddress     = netip.MustParseAddr("10.255.0.1")
	OutsideAddress  = netip.MustParseAddr("192.0.2.1")
	OutsideAddress6 = netip.MustParseAddr("2001:db8:ffff::1")
	// SwitchAddress and SwitchAddress6 are where every switch peers with its
	// machines, so that a machine's configuration is the same in every rack.
	SwitchAddress  = netip.MustParseAddr("169.254.255.1")
	SwitchAddress6 = netip.MustParseAddr("2001:db8:255::1")

	install  = netip.MustParsePrefix("10.0.0.0/31") // of the first machine; the next has the next one
	private4 = netip.MustParsePrefix("10.64.0.0/31")
	public4  = netip.MustParsePrefix("198.51.100.0/31")
	public6  = netip.MustParsePrefix("2001:db8:0:1::/127")
)

// uplinks connects the switch to the boot services and the outside. That part
// of a switch is its operators' and no driver's.
func (r *Rack) uplinks(ctx context.Context) error {
	if err := plug(ctx, r.Tor, "boot0", r.Boot, "eth0"); err != nil {
		return err
	}
	if err := plug(ctx, r.Tor, "up0", r.Outside, "eth0"); err != nil {
		return err
	}
	for node, script := range map[*Node]string{
		r.Tor: `echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
ip link set boot0 up
ip link set up0 up
ip addr add 10.255.0.0/31 dev boot0
ip addr add 192.0.2.0/31 dev up0
ip addr add 2001:db8:ffff::/127 dev up0 nodad`,
		r.Boot: `ip link set eth0 up
ip addr add 10.255.0.1/31 dev eth0
ip route add default via 10.255.0.0`,
		r.Outside: `ip link set eth0 up
ip addr add 192.0.2.1/31 dev eth0
ip addr add 2001:db8:ffff::1/127 dev eth0 nodad
ip route add default via 192.0.2.0
ip route add default via 2001:db8:ffff::`,
	} {
		if _, err := node.Shell(ctx, script); err != nil {
			return err
		}
	}
	return nil
}

// Port is the switch's side of the cable to a machine.
func (r *Rack) Port(i int) metal.Port {
	return metal.Port{Switch: metal.SwitchID(r.Tor.Name), Name: portName(i)}
}

func portName(i int) string { return fmt.Sprintf("swp%d", i+1) }

// Parked is the intent for a machine's port while nobody has it.
func (r *Rack) Parked(i int) metal.PortIntent {
	return metal.PortIntent{
		Port: r.Port(i), Profile: metal.Parked, Machine: metal.MachineID(fmt.Sprintf("m%d", i+1)),
		Install: link(install, i, metal.Install), Boot: []netip.Addr{BootAddress},
	}
}

// Tenant is the intent for a machine's port with a device on it: a public and
// a private IPv4 link and a public IPv6 one.
func (r *Rack) Tenant(i int) metal.PortIntent {
	p := r.Parked(i)
	p.Profile, p.Device = metal.Tenant, metal.DeviceID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1))
	p.Links = []metal.Link{link(public4, i, metal.Public), link(private4, i, metal.Private), link(public6, i, metal.Public)}
	return p
}

// link is the i-th after the first.
func link(first netip.Prefix, i int, role metal.Role) metal.Link {
	a := first.Addr()
	for range 2 * i {
		a = a.Next()
	}
	return metal.Link{Prefix: netip.PrefixFrom(a, first.Bits()), Role: role}
}
