package postgres_test

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func prefixesOf(links []metal.Link) (all []string) {
	for _, l := range links {
		all = append(all, string(l.Role)+" "+l.Prefix.String())
	}
	return all
}

func TestAParkedPortHasItsInstallLinkAndNothingElse(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.claim("acme", "one", "plain")
	p := n.of(claim)[0]
	require.Equal(t, metal.PortIntent{
		Port: metal.Port{Switch: "one-a", Name: "xe-0/0/1"}, Members: []string{}, Profile: metal.Parked, Generation: 1, Machine: claim.Machine,
		Install: metal.Link{Prefix: prefix("127.71.128.0/31"), Role: metal.Install},
		Boot:    []netip.Addr{netip.MustParseAddr("127.71.0.67")},
	}, p)
}

func TestAPlainMachinesPortHasItsLinks(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.opened("acme", "one", "plain")
	p := n.of(claim)[0]
	require.Equal(t, metal.Tenant, p.Profile)
	require.Equal(t, claim.Device, p.Device)
	require.EqualValues(t, 2, p.Generation)
	require.Equal(t, []string{"public 198.18.71.0/31", "private 10.71.0.0/31", "public 2001:db8:71::/127"}, prefixesOf(p.Links))
	require.Empty(t, p.Members)
	require.False(t, p.Advertise)
	require.Nil(t, p.BGP, "its project has none")
	require.Equal(t, n.set(claim, metal.Tenant)[0].Generation, p.Generation, "a repeat waits for the same commit")
}

func TestABundleIsOnePortWithItsMembers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	ports := n.of(n.opened("acme", "one", "bundle"))
	require.Len(t, ports, 1)
	require.Equal(t, "ae3", ports[0].Port.Name)
	require.Equal(t, []string{"xe-0/0/3", "xe-0/0/4"}, ports[0].Members)
	require.True(t, ports[0].Advertise)
	require.Len(t, ports[0].Links, 3)
}

func TestAMachineOnTwoSwitchesHasALinkToEachAndTellsBothOfItsLoopbacks(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.opened("acme", "one", "twin")
	ports := n.of(claim)
	require.Len(t, ports, 2)
	require.Equal(t, []metal.SwitchID{"one-a", "one-b"}, []metal.SwitchID{ports[0].Port.Switch, ports[1].Port.Switch})
	require.NotEqual(t, ports[0].Install, ports[1].Install)
	leases, err := n.store.Queries().LeasesOfDevice(t.Context(), string(claim.Device))
	require.NoError(t, err)
	require.Len(t, leases, 6, "three links, one to the second switch, a loopback of each family")
	require.Len(t, ports[0].Links, 3)
	require.Len(t, ports[1].Links, 1)
	require.Equal(t, metal.Private, ports[1].Links[0].Role)
	loopbacks := []netip.Prefix{}
	for _, l := range leases {
		if l.Prefix.IsSingleIP() {
			loopbacks = append(loopbacks, l.Prefix)
		}
	}
	require.Len(t, loopbacks, 2)
	for i, p := range ports {
		require.NotNil(t, p.BGP, "nobody but the machine can tell where its loopback is")
		require.ElementsMatch(t, loopbacks, p.BGP.Announce)
		require.Equal(t, uint32(65530), p.BGP.LocalAS)
		require.Equal(t, uint32(65000), p.BGP.PeerAS, "the site's")
		require.Contains(t, p.BGP.Machine, p.Links[[]int{1, 0}[i]].Machine())
	}
	require.Len(t, ports[0].BGP.Machine, 2, "IPv6 over the only link there is")
	require.Len(t, ports[1].BGP.Machine, 1)
}

func TestBGPOfADevicePeersInTheFamiliesThatItAskedFor(t *testing.T) {
	t.Parallel()
	for deployment, as := range map[string]int64{"local": 65000, "global": 64496} {
		n := newNetwork(t)
		n.enableBGP("acme", deployment, as, "bgp-acme")
		_, four := n.reserve("acme", "one", 4, 29)
		_, six := n.reserve("acme", "one", 6, 56)
		n.reserve("acme", "two", 4, 29) // elsewhere: not to be announced here
		n.reserve("rival", "one", 4, 29)
		claim := n.opened("acme", "one", "plain")
		require.Nil(t, n.of(claim)[0].BGP, "its project has it, and it has no session")

		ports, err := n.store.SetSession(t.Context(), claim.Device, 4, true)
		require.NoError(t, err)
		require.Len(t, ports, 1)
		p := n.of(claim)[0]
		require.Equal(t, &metal.BGP{
			LocalAS: 65530, PeerAS: uint32(as), Secret: "bgp-acme", Limit: 10,
			Switch:   []netip.Addr{netip.MustParseAddr("169.254.255.1"), netip.MustParseAddr("2001:db8:ffff::1")},
			Machine:  []netip.Addr{p.Links[1].Machine()},
			Announce: []netip.Prefix{four, six},
		}, p.BGP)
		_, err = n.store.SetSession(t.Context(), claim.Device, 6, true)
		require.NoError(t, err)
		require.Len(t, n.of(claim)[0].BGP.Machine, 2)
		for _, family := range []int{4, 6} {
			on, err := n.store.SessionOn(t.Context(), claim.Device, family)
			require.NoError(t, err)
			require.True(t, on)
			_, err = n.store.SetSession(t.Context(), claim.Device, family, false)
			require.NoError(t, err)
		}
		require.Nil(t, n.of(claim)[0].BGP)
	}
}

func TestASessionNeedsAProjectWithBGPAndADeviceThatLives(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.opened("acme", "one", "plain")
	_, err := n.store.SetSession(t.Context(), claim.Device, 4, true)
	require.ErrorIs(t, err, metal.ErrWrongState)
	require.ErrorContains(t, err, "has no BGP; enable it first")
	n.enableBGP("acme", "local", 65000, "")
	_, err = n.store.SetSession(t.Context(), "11111111-1111-4111-8111-111111111111", 4, true)
	require.ErrorIs(t, err, metal.ErrUnknownDevice)
	_, err = n.store.SetSession(t.Context(), claim.Device, 4, true)
	require.NoError(t, err)
	_, err = n.store.ReleaseMachine(t.Context(), claim, 0, metal.Ending{State: metal.Failed})
	require.NoError(t, err)
	_, err = n.store.SetSession(t.Context(), claim.Device, 6, true)
	require.ErrorIs(t, err, metal.ErrWrongState)
	on, err := n.store.SessionOn(t.Context(), claim.Device, 4)
	require.NoError(t, err)
	require.False(t, on, "who has let go of its machine has no session")
}

func TestWhatIsRoutedFollowsTheDeviceInBothFamilies(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.opened("acme", "one", "twin")
	four, fours := n.reserve("acme", "one", 4, 29)
	six, sixes := n.reserve("acme", "one", 6, 64)
	want := []netip.Prefix{piece(fours, 1), piece(fours, 6), sixes}
	for i, reservation := range []string{four, four, six} {
		ports, err := n.store.AssignPiece(t.Context(), reservation, want[i], claim.Device)
		require.NoError(t, err)
		require.Len(t, ports, 2, "both ports are to be looked at")
	}
	ports := n.of(claim)
	require.ElementsMatch(t, want, ports[0].Routed)
	require.Empty(t, ports[1].Routed, "the link that it is routed by is the first port's")
	n.set(claim, metal.Parked)
	for _, p := range n.of(claim) {
		require.Empty(t, p.Routed)
		require.Empty(t, p.Links)
		require.Nil(t, p.BGP)
	}
}

// Ports change from hand to hand while somebody reads what is pending: no
// intent mixes one moment's port with another moment's leases.
func TestAnIntentIsOfOneMoment(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claims := []metal.Claim{n.claim("acme", "one", "plain"), n.claim("acme", "one", "plain")}
	done := make(chan struct{})
	var side sync.WaitGroup
	for _, claim := range claims {
		side.Go(func() {
			for range 150 {
				for _, p := range []metal.Profile{metal.Tenant, metal.Parked} {
					if _, err := n.store.SetPorts(t.Context(), claim, p); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	go func() { side.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		change, err := n.store.PendingPorts(t.Context(), "one-a")
		require.NoError(t, err)
		for _, p := range change.Ports {
			links := 0
			if p.Profile == metal.Tenant {
				links = 3
			}
			require.Len(t, p.Links, links, "port %s, %s, generation %d", p.Port, p.Profile, p.Generation)
		}
	}
}

func TestAPortWaitsUntilItsGenerationIsReadBackOrRefused(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	require.Equal(t, []string{"ae3", "xe-0/0/1", "xe-0/0/2", "xe-0/0/5"}, n.pending("one-a"), "as imported")
	n.applied()
	require.Empty(t, n.pending("one-a"))
	claim := n.opened("acme", "one", "plain")
	change, err := n.store.PendingPorts(t.Context(), "one-a")
	require.NoError(t, err)
	require.Equal(t, "millwright: "+string(claim.Machine)+" tenant for device "+string(claim.Device), change.Comment)

	port := change.Ports[0].Port
	no := metal.Committed{Refused: map[metal.Port]string{port: "no room"}}
	require.NoError(t, n.store.PortsCommitted(t.Context(), "one-a", change, no))
	require.Empty(t, n.pending("one-a"), "nobody tries again what was refused")
	n.set(claim, metal.Tenant)
	require.Equal(t, []string{port.Name}, n.pending("one-a"), "but whoever asks again is judged again")

	n.set(claim, metal.Parked)
	require.NoError(t, n.store.PortsCommitted(t.Context(), "one-a", change, no))
	require.Equal(t, []string{port.Name}, n.pending("one-a"), "a refusal of what was wanted before says nothing")
	require.NoError(t, n.store.PortsCommitted(t.Context(), "one-a", change, metal.Committed{Changed: []metal.Port{port}}))
	require.Equal(t, []string{port.Name}, n.pending("one-a"), "nor does its being applied")
	outcomes, err := n.store.PortOutcomes(t.Context(), "one-a", []string{port.Name})
	require.NoError(t, err)
	require.Equal(t, metal.PortOutcome{Applied: 2}, outcomes[port.Name])
}

func TestACommentNamesWhoseChangesAreInACommit(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.applied()
	var devices []string
	for _, plan := range []string{"plain", "plain", "bundle", "twin"} {
		devices = append(devices, string(n.opened("acme", "one", plan).Device))
	}
	change, err := n.store.PendingPorts(t.Context(), "one-a")
	require.NoError(t, err)
	require.Contains(t, change.Comment, "and 1 more ports")
	named := slices.DeleteFunc(devices, func(d string) bool { return !strings.Contains(change.Comment, d) })
	require.Len(t, named, 3)
}
