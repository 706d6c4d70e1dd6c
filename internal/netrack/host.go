package netrack

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// Host is a machine: a node with its one NIC, eth0, on a port of the switch.
type Host struct {
	*Node
	speaks bool // bird runs
}

func (r *Rack) addHost(ctx context.Context, i int) error {
	n, err := r.node(fmt.Sprintf("m%d", i+1))
	if err != nil {
		return err
	}
	r.hosts = append(r.hosts, &Host{Node: n})
	if err := plug(ctx, r.Tor, portName(i), n, "eth0"); err != nil {
		return err
	}
	_, err = n.Run(ctx, "ip", "link", "set", "eth0", "up")
	return err
}

// Wear gives the machine the addresses that its port's intent gives it, as an
// installed system would, and takes away what it had. Its way out is the public
// link, or the install link where it has no other.
func (h *Host) Wear(ctx context.Context, p metal.PortIntent) error {
	var b strings.Builder
	fmt.Fprintln(&b, "ip addr flush dev eth0 scope global")
	gateways := map[bool]netip.Addr{true: p.Install.Switch()}
	for _, l := range append([]metal.Link{p.Install}, p.Links...) {
		fmt.Fprintf(&b, "ip addr add %s/%d dev eth0 %s\n", l.Machine(), l.Prefix.Bits(), nodad(l.Machine()))
		if l.Role == metal.Public {
			gateways[l.Prefix.Addr().Is4()] = l.Switch()
		}
	}
	for _, gateway := range gateways {
		fmt.Fprintf(&b, "ip route replace default via %s\n", gateway)
	}
	for _, prefix := range p.Routed {
		fmt.Fprintln(&b, local(prefix))
	}
	_, err := h.Shell(ctx, b.String())
	return err
}

// local has the machine answer at the first address of a prefix that is routed
// to it.
func local(p netip.Prefix) string {
	return fmt.Sprintf("ip addr replace %s/%d dev lo %s", p.Addr(), p.Addr().BitLen(), nodad(p.Addr()))
}

// nodad makes an IPv6 address usable at once: on a link between two nobody can
// have taken it.
func nodad(a netip.Addr) string {
	if a.Is6() {
		return "nodad"
	}
	return ""
}

// Reaches says whether an address answers a ping, and from which address of
// ours it was asked; without one the system chooses.
func (n *Node) Reaches(ctx context.Context, to netip.Addr, from ...netip.Addr) bool {
	args := []string{"-n", "-c", "1", "-W", "1", to.String()}
	for _, a := range from {
		args = append([]string{"-I", a.String()}, args...)
	}
	_, err := n.Run(ctx, "ping", args...)
	return err == nil
}
