package junos

import (
	"fmt"
	"net/netip"
	"slices"

	"millwright/internal/metal"
)

// checkBGP refuses a session that could not come up, or that could announce
// what it must not.
func checkBGP(p metal.PortIntent) error {
	if p.BGP == nil {
		return nil
	}
	for _, as := range []uint32{p.BGP.LocalAS, p.BGP.PeerAS} {
		if reserved(as) {
			return fmt.Errorf("BGP: AS %d is reserved: %w", as, metal.ErrUnsupported)
		}
	}
	if p.BGP.LocalAS == p.BGP.PeerAS {
		return fmt.Errorf("BGP: AS %d on both sides: %w", p.BGP.PeerAS, metal.ErrUnsupported)
	}
	if p.BGP.Limit <= 0 {
		return fmt.Errorf("BGP: a limit of %d prefixes: %w", p.BGP.Limit, metal.ErrUnsupported)
	}
	for _, a := range p.BGP.Announce {
		if err := mayHave(p, a); err != nil {
			return fmt.Errorf("BGP: announced prefix %s %w", a, err)
		}
	}
	return checkPeers(p)
}

// reserved AS numbers mean something else: none, two octets of a number of
// four (RFC 6793), and the last of both sizes (RFC 7300).
func reserved(as uint32) bool {
	return as == 0 || as == 23456 || as == 65535 || as == 4294967295
}

// checkPeers wants one address of a family on either side, and the machine's
// to be one that its filter lets it speak from.
func checkPeers(p metal.PortIntent) error {
	if len(p.BGP.Machine) == 0 {
		return fmt.Errorf("BGP: no address of the machine to peer with: %w", metal.ErrUnsupported)
	}
	for _, side := range [][]netip.Addr{p.BGP.Switch, p.BGP.Machine} {
		for _, f := range []family{inet, inet6} {
			if len(f.only(side)) > 1 {
				return fmt.Errorf("BGP: %v are two of a family on one side: %w", side, metal.ErrUnsupported)
			}
		}
	}
	for _, m := range p.BGP.Machine {
		f := familyOf(m)
		if !unicast(m) || !slices.ContainsFunc(own(p, f), func(o netip.Prefix) bool { return o.Contains(m) }) {
			return fmt.Errorf("BGP: machine's end %s is not its own to speak from: %w", m, metal.ErrUnsupported)
		}
		if at := listens(p.BGP, f); !unicast(at) {
			return fmt.Errorf("BGP: no address of the switch for %s to peer with: %w", m, metal.ErrUnsupported)
		}
	}
	return nil
}

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return inet
	}
	return inet6
}

// listens is where the switch listens in a family; not valid where it does not.
func listens(b *metal.BGP, f family) netip.Addr {
	for _, a := range b.Switch {
		if a.Is4() == f.v4 {
			return a
		}
	}
	return netip.Addr{}
}
