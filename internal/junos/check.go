package junos

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"millwright/internal/metal"
)

// check refuses what could not be rendered without guessing, and what the
// switch would take although it is wrong: Juniper's model knows neither which
// addresses overlap nor which AS numbers mean something.
func check(sw metal.Switch, p metal.PortIntent) error {
	if p.Port.Name == "" || p.Port.Switch != sw.ID {
		return fmt.Errorf("not one of switch %s: %w", sw.ID, metal.ErrUnsupported)
	}
	if err := checkMembers(p); err != nil {
		return err
	}
	switch p.Profile {
	case metal.Disabled:
		return nil
	case metal.Parked, metal.Tenant:
	default:
		return fmt.Errorf("profile %q: %w", p.Profile, metal.ErrUnsupported)
	}
	checks := []func(metal.PortIntent) error{checkInstall, checkLinks}
	if p.Profile == metal.Tenant {
		checks = append(checks, checkRouted, checkBGP)
	}
	for _, wrong := range checks {
		if err := wrong(p); err != nil {
			return err
		}
	}
	return nil
}

// checkMembers: Junos bundles physical interfaces into aeN and nothing else.
func checkMembers(p metal.PortIntent) error {
	if len(p.Members) > 0 && !bundle(p.Port.Name) {
		return fmt.Errorf("members %v of an interface that is no aeN: %w", p.Members, metal.ErrUnsupported)
	}
	for i, m := range p.Members {
		if m == "" || bundle(m) || slices.Contains(p.Members[:i], m) {
			return fmt.Errorf("member %q of %v: %w", m, p.Members, metal.ErrUnsupported)
		}
	}
	return nil
}

// bundle tells whether an interface is made of others.
func bundle(name string) bool {
	n, ok := strings.CutPrefix(name, "ae")
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

func checkInstall(p metal.PortIntent) error {
	if !p.Install.Prefix.IsValid() || !p.Install.Prefix.Addr().Is4() {
		return fmt.Errorf("install link %s is not IPv4: %w", p.Install.Prefix, metal.ErrUnsupported)
	}
	if len(inet.only(p.Boot)) == 0 {
		return fmt.Errorf("no boot services with an IPv4 address: %w", metal.ErrUnsupported)
	}
	for _, a := range p.Boot {
		if !unicast(a) {
			return fmt.Errorf("boot service %s is no unicast address: %w", a, metal.ErrUnsupported)
		}
	}
	return nil
}

func checkLinks(p metal.PortIntent) error {
	all := links(p)
	for i, l := range all {
		if !pointToPoint(l.Prefix) {
			return fmt.Errorf("link %s is no /30, /31 or /127: %w", l.Prefix, metal.ErrUnsupported)
		}
		if !unicast(l.Switch()) || !unicast(l.Machine()) {
			return fmt.Errorf("link %s has no unicast ends: %w", l.Prefix, metal.ErrUnsupported)
		}
		for _, other := range all[:i] {
			if other.Prefix.Overlaps(l.Prefix) {
				return fmt.Errorf("links %s and %s overlap: %w", other.Prefix, l.Prefix, metal.ErrUnsupported)
			}
		}
		if service, ok := covers(l.Prefix, p.Boot); ok {
			return fmt.Errorf("link %s contains the boot service %s: %w", l.Prefix, service, metal.ErrUnsupported)
		}
	}
	return nil
}

func checkRouted(p metal.PortIntent) error {
	for _, r := range p.Routed {
		if err := mayHave(p, r); err != nil {
			return fmt.Errorf("routed prefix %s %w", r, err)
		}
		if !hop(p, r).IsValid() {
			return fmt.Errorf("routed prefix %s has no link of its family to go by: %w", r, metal.ErrUnsupported)
		}
	}
	return nil
}

// mayHave refuses a prefix that no tenant may have: everything, what is no
// address of a host, and what the site itself lives on.
func mayHave(p metal.PortIntent, r netip.Prefix) error {
	switch {
	case !r.IsValid() || r != r.Masked():
		return fmt.Errorf("is not masked: %w", metal.ErrUnsupported)
	case r.Bits() == 0:
		return fmt.Errorf("is a default route: %w", metal.ErrUnsupported)
	case !unicast(r.Addr()):
		return fmt.Errorf("is not unicast: %w", metal.ErrUnsupported)
	case r.Overlaps(p.Install.Prefix):
		return fmt.Errorf("overlaps the install link %s: %w", p.Install.Prefix, metal.ErrUnsupported)
	}
	if service, ok := covers(r, p.Boot); ok {
		return fmt.Errorf("contains the boot service %s: %w", service, metal.ErrUnsupported)
	}
	return nil
}

func covers(p netip.Prefix, addresses []netip.Addr) (netip.Addr, bool) {
	i := slices.IndexFunc(addresses, p.Contains)
	if i < 0 {
		return netip.Addr{}, false
	}
	return addresses[i], true
}

// unicast tells whether one host can have the address. An IPv4 address in
// IPv6's clothes would be rendered into the wrong family. Loopback addresses are
// let pass: a lab's services stand there.
func unicast(a netip.Addr) bool {
	return a.IsValid() && !a.Is4In6() && a.Zone() == "" && !a.IsMulticast() && !a.IsUnspecified() &&
		a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
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
