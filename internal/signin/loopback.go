package signin

import (
	"net/netip"
	"net/url"
	"regexp"
)

var loopbackPath = regexp.MustCompile(`^/[A-Za-z0-9_-]{0,64}$`)

// isLoopback accepts where a command line listens on the browser's own machine,
// http://127.0.0.1:port/… or http://[::1]:port/…, and nothing else: anything
// that leads elsewhere would hand somebody's code to a stranger (RFC 8252
// section 7.3). Not localhost, which a resolver decides.
func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	at, err := netip.ParseAddrPort(u.Host)
	if err != nil || at.Port() == 0 || !loopbackPath.MatchString(u.Path) {
		return false
	}
	if u.String() != address { // nothing that two readers would read differently
		return false
	}
	return at.Addr() == netip.MustParseAddr("127.0.0.1") || at.Addr() == netip.IPv6Loopback()
}
