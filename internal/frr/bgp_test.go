package frr

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/netrack"
)

func TestAMachineAnnouncesWhatItMayAndNothingElse(t *testing.T) {
	t.Parallel()
	r := setup(t, 2)
	p, other := r.speaking(0, "203.0.113.0/28", "2001:db8:6::/48"), r.Tenant(1)
	r.apply(t, p, other)
	r.wear(t, 0, p)
	r.online(t, 0)
	elastic, elastic6, foreign := addr("203.0.113.7"), addr("2001:db8:6::7"), addr("203.0.113.99")
	r.announces(t, 0, p, key, "203.0.113.7/32", "2001:db8:6::7/128", "203.0.113.99/32", "0.0.0.0/0")
	sessions := r.established(t)
	require.Len(t, sessions, 2, "one of each family")
	eventually(t, "IPv4 by BGP", func() bool { return r.Outside.Reaches(t.Context(), elastic) })
	eventually(t, "IPv6 by BGP", func() bool { return r.Outside.Reaches(t.Context(), elastic6) })
	require.False(t, r.Outside.Reaches(t.Context(), foreign))
	require.NotContains(t, r.byHand(t, "ip route"), "203.0.113.99")

	sessions = r.established(t)
	s := sessions[slices.IndexFunc(sessions, func(s metal.BGPSession) bool { return s.Machine.Is4() })]
	require.Equal(t, p.Port, s.Port)
	require.Equal(t, p.BGP.Machine[0], s.Machine)
	require.Equal(t, 3, s.Received)
	require.Equal(t, 1, s.Accepted)
	require.WithinDuration(t, time.Now(), s.Since, 5*time.Minute)
	require.True(t, r.sends(t, 0, elastic, netrack.OutsideAddress), "it may send from what it may announce")
	require.False(t, r.sends(t, 0, foreign, netrack.OutsideAddress))
}

func TestALongerOrShorterListWorksAtOnceAndTheSessionStays(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.speaking(0, "203.0.113.0/28")
	r.apply(t, p)
	r.wear(t, 0, p)
	r.online(t, 0)
	r.announces(t, 0, p, key, "203.0.113.7/32", "203.0.113.99/32", "2001:db8:6::7/128")
	r.established(t)
	accepted := func(most string, want bool) {
		t.Helper()
		p.BGP.Announce = []netip.Prefix{prefix(most)}
		r.apply(t, p)
		eventually(t, most, func() bool { return r.Outside.Reaches(t.Context(), addr("203.0.113.99")) == want })
	}
	accepted("203.0.113.0/24", true)
	accepted("203.0.113.0/28", false)
	require.Contains(t, r.byHand(t, "vtysh -c 'show bgp neighbors 198.51.100.1 json'"), `"connectionsDropped":0`)
}

func TestASwitchWithoutBGPHasNoSessionsAndOneWithoutBgpdIsAnError(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	sessions, err := r.driver.Sessions(t.Context(), r.sw)
	require.NoError(t, err)
	require.Empty(t, sessions)
	r.byHand(t, "kill $(cat /run/frr/bgpd.pid)")
	eventually(t, "bgpd is gone", func() bool {
		_, err = r.driver.Sessions(t.Context(), r.sw)
		return err != nil
	})
	done, err := r.driver.Apply(t.Context(), r.sw, asked(r.speaking(0, "203.0.113.0/28")))
	require.NoError(t, err)
	require.Empty(t, done.Changed)
	require.Contains(t, done.Refused[r.Port(0)], "+ bgp: neighbor 198.51.100.1 remote-as 65000")
	require.NotContains(t, done.Refused[r.Port(0)], key)
	r.apply(t, r.Tenant(0))
}

func TestAWrongKeyIsNoSession(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.speaking(0, "203.0.113.0/28")
	r.apply(t, p)
	r.wear(t, 0, p)
	r.online(t, 0)
	r.announces(t, 0, p, "guess", "203.0.113.7/32")
	eventually(t, "the machine has tried", func() bool {
		out, err := r.Host(0).Run(t.Context(), "sh", "-c", "ss -Hnt state syn-sent 'dport = 179'")
		require.NoError(t, err)
		return out != ""
	})
	sessions, err := r.driver.Sessions(t.Context(), r.sw)
	require.NoError(t, err)
	require.Len(t, sessions, 2)
	for _, s := range sessions {
		require.NotEqual(t, "Established", s.State)
		require.Zero(t, s.Received)
	}
	r.announces(t, 0, p, key, "203.0.113.7/32", "2001:db8:6::7/128")
	r.established(t)
}

func TestASessionThatAnnouncesTooMuchGoesDown(t *testing.T) {
	t.Parallel()
	r := setup(t, 1)
	p := r.speaking(0, "203.0.113.0/24")
	p.BGP.Limit = 3
	r.apply(t, p)
	r.wear(t, 0, p)
	r.online(t, 0)
	r.announces(t, 0, p, key, "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32", "2001:db8:6::7/128")
	r.established(t)
	r.announces(t, 0, p, key, "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32", "203.0.113.4/32", "203.0.113.5/32", "2001:db8:6::7/128")
	eventually(t, "it goes down", func() bool {
		sessions, err := r.driver.Sessions(t.Context(), r.sw)
		require.NoError(t, err)
		return slices.ContainsFunc(sessions, func(s metal.BGPSession) bool { return s.Machine.Is4() && s.State == "Idle" })
	})
	eventually(t, "what it announced is gone", func() bool { return !r.Outside.Reaches(t.Context(), addr("203.0.113.1")) })
}

func TestTheOperatorsBGPStaysAndMachinesSeeTheirOwnAS(t *testing.T) {
	t.Parallel()
	rack := netrack.New(t, netrack.Options{Hosts: 1, FRR: `router bgp 64900
 bgp router-id 192.0.2.0
 neighbor 192.0.2.1 remote-as 64901
 neighbor 192.0.2.1 description spine
 address-family ipv4 unicast
  network 192.0.2.0/31
 exit-address-family
exit
ip route 198.18.0.0/15 blackhole`})
	r := equip(rack)
	own := r.byHand(t, "vtysh -c 'show running-config'")
	p := r.speaking(0, "203.0.113.0/28")
	r.apply(t, p)
	r.wear(t, 0, p)
	r.online(t, 0)
	r.announces(t, 0, p, key, "203.0.113.7/32", "2001:db8:6::7/128")
	r.established(t)
	sessions, err := r.driver.Sessions(t.Context(), r.sw)
	require.NoError(t, err)
	require.Len(t, sessions, 2, "the spine is none of ours")
	r.apply(t, r.Parked(0))
	left := r.byHand(t, "vtysh -c 'show running-config'")
	for line := range linesOf(own) {
		require.Contains(t, left, line)
	}
	require.NotContains(t, left, "198.51.100.1")
}

// announces has a machine announce prefixes from the addresses of its port's
// intent.
func (r *rig) announces(t *testing.T, i int, p metal.PortIntent, key string, prefixes ...string) {
	t.Helper()
	var all []netip.Prefix
	for _, text := range prefixes {
		all = append(all, prefix(text))
	}
	require.NoError(t, r.Host(i).Announce(t.Context(), *p.BGP, key, all...))
}
