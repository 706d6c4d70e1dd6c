package dns_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/dns/dnstest"
	"millwright/internal/metal"
)

// Knot DNS checks updates by code of its own, which is not BIND's.
func TestKnotDoesAsBINDDoes(t *testing.T) {
	t.Parallel()
	server := startKnot(t)
	d, zone, back, ctx := driver(server), server.Zone(names), server.Zone(reverse6), t.Context()
	require.Eventually(t, func() bool {
		_, err := d.Owned(ctx, zone)
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	addr := netip.MustParseAddr("2001:db8::1")
	for range 2 {
		require.NoError(t, d.Set(ctx, zone, record(first, "192.0.2.1", "2001:db8::1")))
		require.NoError(t, d.SetReverse(ctx, back, pointer(first, "2001:db8::1", web)))
	}
	require.NoError(t, d.Set(ctx, zone, record(first, "192.0.2.2", "192.0.2.3")))
	require.Equal(t, []string{"192.0.2.2", "192.0.2.3"}, server.Dig(t, web, "A"))
	require.Empty(t, server.Dig(t, web, "AAAA"))
	require.Equal(t, []string{web + "."}, server.Dig(t, "2001:db8::1", "-x"))

	requireTaken(t, d.Set(ctx, zone, record(second, "192.0.2.2")), first)
	require.NoError(t, d.Remove(ctx, zone, web, second))
	server.Edit(t, "add www."+names+" 60 MX 10 mail.example.")
	requireTaken(t, d.Set(ctx, zone, metal.Record{Name: "www." + names, Addresses: addrs("192.0.2.9"), Owner: first}), "")
	owned, err := d.Owned(ctx, zone)
	require.NoError(t, err)
	require.Equal(t, []metal.OwnedName{{Name: web, Owner: first}}, owned)

	for range 2 {
		require.NoError(t, d.Remove(ctx, zone, web, first))
		require.NoError(t, d.RemoveReverse(ctx, back, addr, first))
	}
	require.Empty(t, server.Dig(t, web, "A"))
	require.Empty(t, server.Dig(t, "2001:db8::1", "-x"))

	for reader, want := range map[string]string{"millwright": "(BADSIG)", "nobody": "(BADKEY)"} {
		server.KeyName, server.Secret = reader, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		err := d.Set(ctx, zone, record(first, "192.0.2.1"))
		require.ErrorIs(t, err, metal.ErrBadCredentials)
		require.ErrorContains(t, err, want)
	}
	err = d.Set(ctx, server.Zone("lab2.example.net"), metal.Record{Name: "a.lab2.example.net", Addresses: addrs("192.0.2.1"), Owner: first})
	require.ErrorIs(t, err, metal.ErrBadZone)
}

const knotConf = `server:
  rundir: %[1]q
  listen: 127.0.0.1@%[2]s
database:
  storage: %[1]q
log:
- target: stderr
  any: info
key:
- id: millwright
  algorithm: hmac-sha256
  secret: %[3]s
acl:
- id: ours
  key: millwright
  action: [update, transfer]
- id: all
  action: query
template:
- id: default
  storage: %[1]q
  acl: [ours, all]
zone:
- domain: lab1.example.net
- domain: 8.b.d.0.1.0.0.2.ip6.arpa
`

// startKnot runs a knotd beside the server type that knows how to look at it.
func startKnot(t *testing.T) *dnstest.Server {
	t.Helper()
	dir, secret := t.TempDir(), "c2VjcmV0IG9mIGEgdGVzdCwgbm90aGluZyBlbHNlLi4="
	port := freePort(t)
	s := &dnstest.Server{Addr: "127.0.0.1:" + port, KeyName: "millwright", Secret: secret, Algorithm: "hmac-sha256"}
	put := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for _, zone := range []string{names, reverse6} {
		put(zone+".zone", fmt.Sprintf("$TTL 60\n$ORIGIN %s.\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n", zone))
	}
	knotd := dnstest.Program(t, "knotd", dir)
	cmd := exec.Command(knotd, "-c", put("knot.conf", fmt.Sprintf(knotConf, dir, port, secret)))
	cmd.Stderr = t.Output()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // how it ended is no matter of this test
	})
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}
