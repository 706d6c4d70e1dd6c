package rig_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"millwright/internal/dns/dnstest"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/sitefile"
)

// Names resolve forwards and backwards through a device's life, by Debian's
// named and dig, and are gone after it; also where the server was away.
func TestNamesResolveThroughADevicesLife(t *testing.T) {
	t.Parallel()
	server := dnstest.Start(t, "lab1.example", "100.51.198.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")
	r := start(t, rig.Config{Machines: 2, Every: time.Second})
	withZones(t, r, server, "lab1.example", "100.51.198.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")
	order := rig.Provision()
	order.Hostname = "web"
	device := done(t, r, "web", order).Device
	v4, v6 := publicAddresses(t, r, device)
	const name = "web.acme.lab1.example"
	digs(t, server, name, "A", v4.String())
	digs(t, server, name, "AAAA", v6.String())
	digs(t, server, v4.String(), "-x", name+".")
	digs(t, server, v6.String(), "-x", name+".")

	_, err := r.Store.SetPointer(t.Context(), "acme", v4, "www.customer.example")
	require.NoError(t, err)
	_, err = r.Store.SetPointer(t.Context(), "globex", v4, "www.globex.example")
	require.ErrorIs(t, err, metal.ErrNotAllowed)
	done(t, r, "again", metal.OrderInput{Action: metal.ActionReinstall, Device: device, OperatingSystem: "ubuntu_24_04"})
	digs(t, server, name, "A", v4.String())
	hurry(t, r)
	digs(t, server, v4.String(), "-x", "www.customer.example.")

	reserved, err := r.Store.Reserve(t.Context(), metal.ReservationWish{
		ID: "0c1b8f1e-6a55-4c1a-9a65-0d3b2f6a7b11", Project: "acme", Site: rig.Site, Family: 4, Bits: 32,
	})
	require.NoError(t, err)
	hurry(t, r)
	elastic := reserved.Prefix.Addr()
	called := strings.ReplaceAll(elastic.String(), ".", "-") + ".acme.lab1.example"
	digs(t, server, called, "A", elastic.String())
	digs(t, server, elastic.String(), "-x", called+".")
	_, err = r.Store.Release(t.Context(), reserved.ID)
	require.NoError(t, err)
	hurry(t, r)
	digs(t, server, called, "A")
	digs(t, server, elastic.String(), "-x")

	server.Stop(t)
	done(t, r, "gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	server.Restart(t)
	for _, q := range []struct{ name, kind string }{{name, "A"}, {name, "AAAA"}, {v4.String(), "-x"}, {v6.String(), "-x"}} {
		digs(t, server, q.name, q.kind)
	}
	clean(t, r)
}

// withZones imports the site again, with zones at a name server.
func withZones(t *testing.T, r *rig.Rig, server *dnstest.Server, names ...string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(r.Dir, "credentials", "dns"), []byte(server.KeyName+"\n"+server.Secret+"\n"), 0o600))
	text, err := os.ReadFile(filepath.Join(r.Dir, "site.yaml"))
	require.NoError(t, err)
	site, err := sitefile.Parse(text, "site.yaml", nil)
	require.NoError(t, err)
	for _, name := range names {
		zone := server.Zone(name)
		zone.Credential, zone.TTL = "dns", time.Minute
		site.Zones = append(site.Zones, zone)
	}
	f, err := os.Create(filepath.Join(r.Dir, "named.yaml"))
	require.NoError(t, err)
	require.NoError(t, sitefile.Write(f, site))
	require.NoError(t, f.Close())
	out, err := r.Run(t.Context(), "starter", "import", f.Name())
	require.NoError(t, err, out)
}

// publicAddresses are a device's ends of its public links.
func publicAddresses(t *testing.T, r *rig.Rig, device metal.DeviceID) (v4, v6 netip.Addr) {
	t.Helper()
	leases, err := r.Store.Queries().LeasesOfDevice(t.Context(), string(device))
	require.NoError(t, err)
	for _, l := range leases {
		end := metal.Link{Prefix: l.Prefix}.Machine()
		switch {
		case l.Role != string(metal.Public):
		case end.Is4():
			v4 = end
		default:
			v6 = end
		}
	}
	require.True(t, v4.IsValid() && v6.IsValid())
	return v4, v6
}

// digs waits until the server gives these answers, in any order.
func digs(t *testing.T, server *dnstest.Server, name, kind string, want ...string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		got := server.Dig(t, name, kind)
		if slices.Equal(got, want) {
			return
		}
		require.True(t, time.Now().Before(deadline), "dig %s %s: want %v, got %v", name, kind, want, got)
		time.Sleep(100 * time.Millisecond) // of a poll
	}
}

// hurry makes what is due older than reconcile waits for.
func hurry(t *testing.T, r *rig.Rig) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.Stack.DSN)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "update names_due set since = since - interval '1 minute'")
	require.NoError(t, errors.Join(err, conn.Close(t.Context())))
}
