package junos

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// mark begins the name or description of all that Millwright configures.
const mark = "millwright"

// render says what the ports' pieces, and the site's, should be.
func render(sw metal.Switch, ports []metal.PortIntent) ([]piece, error) {
	var pieces []piece
	var boot []netip.Addr
	for _, p := range ports {
		if err := check(sw, p); err != nil {
			return nil, err
		}
		pieces = append(pieces, portPieces(p)...)
		if p.Profile == metal.Disabled {
			continue
		}
		servers := sorted(p.Boot)
		if boot != nil && !slices.Equal(boot, servers) {
			return nil, fmt.Errorf("port %s: boot services %v, but %v on another port of the commit: %w",
				p.Port, servers, boot, metal.ErrUnsupported)
		}
		boot = servers
	}
	if boot != nil {
		pieces = append(pieces, serverGroup(boot))
	}
	return pieces, nil
}

// portPieces is all that one port owns on the switch. The list is the same for
// every profile, so that what a profile has no use for is removed.
func portPieces(p metal.PortIntent) []piece {
	pieces := interfacePieces(p)
	for _, f := range []family{inet, inet6} {
		pieces = append(pieces, filterPieces(p, f)...)
	}
	return append(pieces, relayPiece(p))
}

// check refuses what could not be rendered without guessing.
func check(sw metal.Switch, p metal.PortIntent) error {
	if p.Port.Name == "" || p.Port.Switch != sw.ID {
		return fmt.Errorf("port %s: not one of switch %s: %w", p.Port, sw.ID, metal.ErrUnsupported)
	}
	switch p.Profile {
	case metal.Disabled:
		return nil
	case metal.Parked, metal.Tenant:
	default:
		return fmt.Errorf("port %s: profile %q: %w", p.Port, p.Profile, metal.ErrUnsupported)
	}
	if !p.Install.Prefix.IsValid() || !p.Install.Prefix.Addr().Is4() {
		return fmt.Errorf("port %s: install link %s is not IPv4: %w", p.Port, p.Install.Prefix, metal.ErrUnsupported)
	}
	if len(inet.only(p.Boot)) == 0 {
		return fmt.Errorf("port %s: no boot services with an IPv4 address: %w", p.Port, metal.ErrUnsupported)
	}
	for _, l := range links(p) {
		if !pointToPoint(l.Prefix) {
			return fmt.Errorf("port %s: link %s is no /30, /31 or /127: %w", p.Port, l.Prefix, metal.ErrUnsupported)
		}
	}
	return nil
}

// pointToPoint tells whether a prefix is a masked subnet that has room for the
// two ends of a link and no more.
func pointToPoint(p netip.Prefix) bool {
	if !p.IsValid() || p != p.Masked() {
		return false
	}
	last := p.Addr().BitLen() - 1
	return p.Bits() == last || (p.Addr().Is4() && p.Bits() == last-1)
}

// links gives the install link and, on a tenant's port, the tenant's.
func links(p metal.PortIntent) []metal.Link {
	if p.Profile != metal.Tenant {
		return []metal.Link{p.Install}
	}
	return append([]metal.Link{p.Install}, p.Links...)
}

// label makes a port's name fit for names of filters and groups: Junos takes
// slashes there only in quotes. Distinct interfaces stay distinct, because
// none has a hyphen or a colon where another has a slash.
func label(port string) string {
	return strings.NewReplacer("/", "-", ":", "-").Replace(port)
}

func sorted(addresses []netip.Addr) []netip.Addr {
	all := slices.Clone(addresses)
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// family is one address family, and how Junos spells its match conditions.
type family struct {
	name     string
	v4       bool
	protocol string // the match on the transport protocol
}

var (
	inet  = family{name: "inet", v4: true, protocol: "protocol"}
	inet6 = family{name: "inet6", protocol: "next-header"}
)

// of gives the links of the family.
func (f family) of(links []metal.Link) []metal.Link {
	return slices.DeleteFunc(slices.Clone(links), func(l metal.Link) bool { return l.Prefix.Addr().Is4() != f.v4 })
}

// only gives the addresses of the family, each as the prefix of one host.
func (f family) only(addresses []netip.Addr) []netip.Prefix {
	var hosts []netip.Prefix
	for _, a := range addresses {
		if a.Is4() == f.v4 {
			hosts = append(hosts, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	slices.SortFunc(hosts, func(a, b netip.Prefix) int { return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits()) })
	return hosts
}
