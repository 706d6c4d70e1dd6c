package metal_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAReverseZoneSaysInItsNameWhatItIsFor(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"10.in-addr.arpa":                   "10.0.0.0/8",
		"16.172.IN-ADDR.ARPA.":              "172.16.0.0/16",
		"2.0.192.in-addr.arpa":              "192.0.2.0/24",
		"64/26.2.0.192.in-addr.arpa":        "192.0.2.64/26",
		"6/31.2.0.192.in-addr.arpa":         "192.0.2.6/31",
		"8.b.d.0.1.0.0.2.ip6.arpa":          "2001:db8::/32",
		"f.f.0.0.8.b.d.0.1.0.0.2.ip6.arpa":  "2001:db8:ff::/48",
		"2.ip6.arpa":                        "2000::/4",
		"lab1.example.net":                  "",
		"in-addr.arpa":                      "",
		"1.2.0.192.in-addr.arpa":            "", // one address; a PTR would stand at the zone's own name
		"65/26.2.0.192.in-addr.arpa":        "", // no such /26
		"0/24.2.0.192.in-addr.arpa":         "",
		"300.192.in-addr.arpa":              "",
		"02.192.in-addr.arpa":               "",
		"db8.ip6.arpa":                      "",
		"0-63.2.0.192.in-addr.arpa":         "",
		"1.2.3.4.5.in-addr.arpa":            "",
		"x.8.b.d.0.1.0.0.2.ip6.arpa":        "",
		"in-addr.arpa.example.net":          "",
		"2.0.192.in-addr.arpa.example.net.": "",
	} {
		got, ok := metal.Zone{Name: name}.Reverse()
		require.Equal(t, want != "", ok, name)
		if ok {
			require.Equal(t, want, got.String(), name)
		}
	}
}

func TestThePTROfAnAddressStandsInTheLongestZone(t *testing.T) {
	t.Parallel()
	zones := []metal.Zone{
		{Name: "lab1.example.net"},
		{Name: "192.in-addr.arpa"},
		{Name: "2.0.192.in-addr.arpa"},
		{Name: "64/26.2.0.192.in-addr.arpa"},
		{Name: "acme.2.0.192.in-addr.arpa", Addresses: netip.MustParsePrefix("192.0.2.128/25")},
		{Name: "0.192.in-addr.arpa"},
		{Name: "8.b.d.0.1.0.0.2.ip6.arpa"},
	}
	for addr, want := range map[string]string{
		"192.0.2.5":           "5.2.0.192.in-addr.arpa",
		"::ffff:192.0.2.5":    "5.2.0.192.in-addr.arpa",
		"192.0.2.70":          "70.64/26.2.0.192.in-addr.arpa",
		"192.0.2.200":         "200.acme.2.0.192.in-addr.arpa",
		"192.168.1.2":         "2.1.168.192.in-addr.arpa",
		"2001:db8::1234:5678": "8.7.6.5.4.3.2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		a := netip.MustParseAddr(addr)
		zone, ok := metal.ReverseZone(zones, a)
		require.True(t, ok, addr)
		name, err := zone.ReverseName(a)
		require.NoError(t, err)
		require.Equal(t, want, name)
		require.True(t, zone.Contains(name))
	}
	for _, addr := range []string{"198.51.100.1", "2001:db9::1", "fe80::1%eth0"} {
		_, ok := metal.ReverseZone(zones, netip.MustParseAddr(addr))
		require.False(t, ok, addr)
	}
	_, err := zones[2].ReverseName(netip.MustParseAddr("192.0.3.1"))
	require.ErrorIs(t, err, metal.ErrBadZone)
	_, err = zones[0].ReverseName(netip.MustParseAddr("192.0.3.1"))
	require.ErrorIs(t, err, metal.ErrBadZone)
}

func TestABadZoneSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	good := metal.Zone{Name: "lab1.example.net", Server: "192.0.2.53:53", Credential: "dns"}
	require.NoError(t, good.Check())
	with := func(change func(*metal.Zone)) metal.Zone {
		z := good
		change(&z)
		return z
	}
	for want, zone := range map[string]metal.Zone{
		"want a name such as":      with(func(z *metal.Zone) { z.Name = "." }),
		"want host:port":           with(func(z *metal.Zone) { z.Server = "192.0.2.53" }),
		"the name of a credential": with(func(z *metal.Zone) { z.Credential = "" }),
		"want one of hmac-sha256":  with(func(z *metal.Zone) { z.Algorithm = "hmac-md5" }),
		"its name says 10.0.0.0/8": with(func(z *metal.Zone) {
			z.Name, z.Addresses = "10.in-addr.arpa", netip.MustParsePrefix("192.0.2.0/25")
		}),
		"want a /25 to /32 of IPv4": with(func(z *metal.Zone) { z.Addresses = netip.MustParsePrefix("192.0.2.0/23") }),
		"addresses 192.0.2.1/26":    with(func(z *metal.Zone) { z.Addresses = netip.MustParsePrefix("192.0.2.1/26") }),
		"which addresses it is for": with(func(z *metal.Zone) { z.Name = "0-63.2.0.192.in-addr.arpa" }),
	} {
		err := zone.Check()
		require.ErrorIs(t, err, metal.ErrBadZone)
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, with(func(z *metal.Zone) {
		z.Name, z.Addresses = "0-63.2.0.192.in-addr.arpa", netip.MustParsePrefix("192.0.2.0/26")
	}).Check())
}
