package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Rules are where webhooks may go. The zero value lets them go to addresses of
// the Internet, over https.
type Rules struct {
	Allow []netip.Prefix // may be reached although they are nobody's on the Internet
	Plain bool           // http:// too
}

// maxURL is in bytes.
const maxURL = 2048

// CheckURL refuses what is no URL of an endpoint, in words for whoever gave it.
// A name may lead anywhere by the time that it is called, so that the address
// is checked again then: see Client.
func (r Rules) CheckURL(raw string) error {
	if len(raw) > maxURL {
		return fmt.Errorf("it has %d bytes; at most %d", len(raw), maxURL)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || strings.ContainsFunc(raw, unprintable):
		return errors.New("it is no URL; it looks like https://example.com/hook")
	case u.Scheme != "https" && (u.Scheme != "http" || !r.Plain):
		return errors.New("it has to begin with https://")
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New("it names no host")
	case u.User != nil:
		return errors.New("it holds a user or a password; leave them out, messages are signed")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return errors.New("it has a fragment (#…), which no server is told; leave it out")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("port %s: want 1 to 65535", port)
		}
	}
	if address, err := netip.ParseAddr(u.Hostname()); err == nil {
		return r.CheckAddress(address)
	}
	return nil
}

// unprintable are characters that a URL has only escaped.
func unprintable(c rune) bool { return c <= ' ' || c >= 0x7f }

// closed are networks that are no place on the Internet, or lead into one that
// is not. IANA's special-purpose registries (RFC 6890), and what carries an IPv4
// address inside an IPv6 one.
var closed = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("10.0.0.0/8"),      // private
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' NAT; some clouds' metadata
	netip.MustParsePrefix("127.0.0.0/8"),     // loopback
	netip.MustParsePrefix("169.254.0.0/16"),  // link-local; clouds' metadata
	netip.MustParsePrefix("172.16.0.0/12"),   // private
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocols; DS-Lite, NAT64 discovery
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),  // private
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("224.0.0.0/3"),     // multicast, reserved, broadcast
}

// open6 is the only part of IPv6 that is the Internet's, and closed6 what is
// none of it inside: IPv4 in disguise, protocols, documentation.
var (
	open6   = netip.MustParsePrefix("2000::/3")
	closed6 = []netip.Prefix{
		netip.MustParsePrefix("2001::/23"),     // IETF protocols: Teredo, ORCHID, benchmarks
		netip.MustParsePrefix("2001:db8::/32"), // documentation
		netip.MustParsePrefix("2002::/16"),     // 6to4: an IPv4 address is inside
		netip.MustParsePrefix("3fff::/20"),     // documentation
	}
)

// CheckAddress refuses an address that is none of the Internet's, unless it is
// allowed.
func (r Rules) CheckAddress(a netip.Addr) error {
	a = a.WithZone("").Unmap() // ::ffff:127.0.0.1 is 127.0.0.1
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(r.Allow, in) {
		return nil
	}
	if a.Is4() && !slices.ContainsFunc(closed, in) || a.Is6() && open6.Contains(a) && !slices.ContainsFunc(closed6, in) {
		return nil
	}
	return fmt.Errorf("%s is no address of the Internet, and webhooks may not reach it", a)
}
