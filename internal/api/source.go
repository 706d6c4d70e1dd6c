package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// sourceOf is where a request comes from, without its port.
func sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// network is what somebody has of addresses: one of IPv4, a /64 of IPv6, in
// which a new one costs nothing.
func network(source string) string {
	at, err := netip.ParseAddr(source)
	if err != nil || at.Unmap().Is4() {
		return source
	}
	prefix, _ := at.WithZone("").Prefix(64) // never refused for IPv6
	return prefix.String()
}

// BehindProxies makes a request's source the one that our own proxies name in
// X-Forwarded-For. What a proxy of somebody else's says, or a client itself, is
// not heard: it would be who it likes.
func BehindProxies(ours []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client := forwarded(ours, sourceOf(r), r.Header.Values("X-Forwarded-For")); client != "" {
			r.RemoteAddr = net.JoinHostPort(client, "0")
		}
		next.ServeHTTP(w, r)
	})
}

// forwarded goes back from the nearest proxy to the first address that is none
// of ours; empty where the request came straight to us, or a proxy says nonsense.
func forwarded(ours []netip.Prefix, peer string, headers []string) (client string) {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for at := peer; ; {
		address, err := netip.ParseAddr(strings.TrimSpace(at))
		if err != nil {
			return client
		}
		address = address.Unmap().WithZone("")
		client = address.String()
		if !slices.ContainsFunc(ours, func(p netip.Prefix) bool { return p.Contains(address) }) {
			return client
		}
		if len(hops) == 0 {
			return client
		}
		at, hops = hops[len(hops)-1], hops[:len(hops)-1]
	}
}
