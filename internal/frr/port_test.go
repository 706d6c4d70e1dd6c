package frr

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/netrack"
)

func TestATenantsPortCarriesItsLinksToTheOutside(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.Tenant(0)
	done := r.apply(t, p)
	require.Equal(t, []metal.Port{p.Port}, done.Changed)
	require.Contains(t, done.Diff, "+ address: 198.51.100.0/31")
	r.wear(t, 0, p)
	r.online(t, 0)
	require.True(t, r.Outside.Reaches(t.Context(), p.Links[0].Machine()))
	require.True(t, r.Outside.Reaches(t.Context(), p.Links[2].Machine()))
	require.True(t, r.Host(0).Reaches(t.Context(), netrack.BootAddress, p.Install.Machine()), "the install link is still there")
	require.Empty(t, r.apply(t, p).Changed, "applying twice is applying once")
	require.Equal(t, []metal.Port{p.Port}, r.managed(t))
}

func TestASpoofedSourceIsDropped(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	p, other := r.Tenant(0), r.Tenant(1)
	p.Routed = []netip.Prefix{prefix("203.0.113.5/32"), prefix("2001:db8:5::/64")}
	r.apply(t, p, other)
	r.wear(t, 0, p)
	r.online(t, 0)
	out4, out6 := netrack.OutsideAddress, netrack.OutsideAddress6
	require.True(t, r.sends(t, 0, addr("203.0.113.5"), out4), "what is routed to it is its own")
	require.True(t, r.sends(t, 0, addr("2001:db8:5::1"), out6))
	for from, to := range map[string]netip.Addr{
		"203.0.113.6":                     out4, // next to its own
		other.Links[0].Machine().String(): out4, // a neighbour's
		"2001:db8:6::1":                   out6,
		other.Links[2].Machine().String(): out6,
		"8.8.8.8":                         p.Links[0].Switch(), // nor to the switch itself
	} {
		require.False(t, r.sends(t, 0, addr(from), to), "%s to %s", from, to)
	}
}

func TestAMachineCannotRelayItsOwnDHCP(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	for _, p := range []metal.PortIntent{r.Parked(0), r.Tenant(0)} {
		r.apply(t, p)
		r.wear(t, 0, p)
		eventually(t, "boot services", func() bool { return r.Host(0).Reaches(t.Context(), netrack.BootAddress) })
		require.True(t, r.datagram(t, 0, 6800, 67), "%s: a client may ask", p.Profile)
		require.False(t, r.datagram(t, 0, 67, 67), "%s: a relay of its own may not", p.Profile)
	}
}

func TestAParkedPortReachesTheBootServicesAlone(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	p, other := r.Parked(0), r.Tenant(1)
	r.apply(t, p, other)
	r.wear(t, 0, p)
	r.wear(t, 1, other)
	ctx, machine := t.Context(), p.Install.Machine()
	eventually(t, "boot services", func() bool { return r.Host(0).Reaches(ctx, netrack.BootAddress) })
	require.True(t, r.Boot.Reaches(ctx, machine))
	r.online(t, 1)
	for _, to := range []netip.Addr{netrack.OutsideAddress, other.Links[0].Machine(), other.Install.Machine(), p.Install.Switch()} {
		require.False(t, r.Host(0).Reaches(ctx, to), "to %s", to)
	}
	require.False(t, r.hears(t, r.Outside, 0, netrack.OutsideAddress, machine), "from outside")
	require.False(t, r.hears(t, r.Host(1).Node, 0, other.Links[0].Machine(), machine), "from a neighbour")
	require.False(t, r.hears(t, r.Tor, 0, p.Install.Switch(), machine), "from the switch itself")
	require.Equal(t, []metal.Port{other.Port}, r.managed(t))
}

func TestATenantsPortThatIsParkedKeepsNothingOfTheTenant(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.speaking(0, "203.0.113.0/28")
	p.Advertise, p.Routed = true, []netip.Prefix{prefix("2001:db8:5::/64")}
	r.apply(t, p)
	r.wear(t, 0, p)
	r.online(t, 0)
	done := r.apply(t, r.Parked(0))
	require.Contains(t, done.Diff, "- bgp: neighbor 198.51.100.1 password ***")
	require.False(t, r.Host(0).Reaches(t.Context(), netrack.OutsideAddress))
	require.False(t, r.Host(0).Reaches(t.Context(), netrack.OutsideAddress6))
	shown := r.byHand(t, "vtysh -c 'show running-config'")
	for _, left := range []string{"neighbor ", "swp1", "2001:db8:5::"} {
		require.NotContains(t, shown, left)
	}
	require.Empty(t, r.managed(t))
}

func TestADisabledPortIsDown(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.Tenant(0)
	r.apply(t, p)
	r.wear(t, 0, p)
	r.online(t, 0)
	p.Profile = metal.Disabled
	r.apply(t, p)
	require.NotContains(t, r.byHand(t, "ip addr show swp1"), "inet")
	require.Contains(t, r.byHand(t, "ip link show swp1"), "state DOWN")
	r.byHand(t, "ip link set swp1 up")
	require.Len(t, r.drift(t, p), 1, "it was set up by hand")
	require.False(t, r.Host(0).Reaches(t.Context(), netrack.OutsideAddress))
	r.apply(t, r.Tenant(0))
	r.wear(t, 0, r.Tenant(0)) // an interface that was down has lost its IPv6 routes
	r.online(t, 0)
}

func TestAnAdvertisingPortSaysWhoItsRouterIs(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.Parked(0)
	r.apply(t, p)
	heard := func() bool {
		routes, err := r.Host(0).Run(t.Context(), "ip", "-6", "route", "show", "default")
		require.NoError(t, err)
		return routes != ""
	}
	require.False(t, heard())
	p.Advertise = true
	require.Contains(t, r.apply(t, p).Diff, "+ interface: no ipv6 nd suppress-ra")
	eventually(t, "a router is heard", heard)
}

func TestAMachineCannotFloodTheSwitchNorLogIn(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.Tenant(0)
	r.apply(t, p)
	r.wear(t, 0, p)
	r.online(t, 0)
	r.byHand(t, "setsid socat TCP-LISTEN:22,fork,reuseaddr EXEC:hostname </dev/null >/dev/null 2>&1 &")
	eventually(t, "the switch listens", func() bool {
		_, err := r.Tor.Run(t.Context(), "socat", "-u", "TCP:127.0.0.1:22", "STDOUT")
		return err == nil
	})
	_, err := r.Host(0).Run(t.Context(), "socat", "-u", fmt.Sprintf("TCP:%s:22,connect-timeout=1", p.Links[0].Switch()), "STDOUT")
	require.Error(t, err, "a machine has no business with the switch's SSH")
	eventually(t, "a flood is cut down", func() bool {
		out, _ := r.Host(0).Run(t.Context(), "ping", "-q", "-f", "-c", "20000", "-w", "3", p.Links[0].Switch().String())
		return strings.Contains(out, "% packet loss") && !strings.Contains(out, " 0% packet loss")
	})
}
