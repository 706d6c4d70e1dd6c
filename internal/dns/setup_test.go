package dns_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/dns"
	"millwright/internal/dns/dnstest"
	"millwright/internal/metal"
)

const (
	names    = "lab1.example.net"
	reverse4 = "2.0.192.in-addr.arpa"
	reverse6 = "8.b.d.0.1.0.0.2.ip6.arpa"
	web      = "web1.acme.lab1.example.net"

	first  = metal.Holder("device/3f2a9c1b-7c1e-4f7e-9a55-0d6f6c3b2a10")
	second = metal.Holder("device/77aa0c1b-7c1e-4f7e-9a55-0d6f6c3b2a11")
)

// setup starts a name server with a zone of names and two of addresses, and
// gives the driver its key.
func setup(t *testing.T) (*dns.Driver, *dnstest.Server) {
	t.Helper()
	server := dnstest.Start(t, names, reverse4, reverse6)
	return driver(server), server
}

// driver waits longer than usual: the tests of all packages share a machine.
func driver(server *dnstest.Server) *dns.Driver {
	return &dns.Driver{Credentials: server.Credential, Timeout: 30 * time.Second}
}

func addrs(text ...string) []netip.Addr {
	var list []netip.Addr
	for _, a := range text {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

func record(owner metal.Holder, addresses ...string) metal.Record {
	return metal.Record{Name: web, Addresses: addrs(addresses...), Owner: owner}
}

func pointer(owner metal.Holder, addr, name string) metal.Pointer {
	return metal.Pointer{Address: netip.MustParseAddr(addr), Name: name, Owner: owner}
}

// requireTaken looks for the name's owner in the error, as a caller would.
func requireTaken(t *testing.T, err error, by metal.Holder) {
	t.Helper()
	require.ErrorIs(t, err, metal.ErrNameTaken)
	var taken *metal.NameTaken
	require.ErrorAs(t, err, &taken)
	require.Equal(t, by, taken.By)
}
