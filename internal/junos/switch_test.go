package junos

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

func TestAPortThatBecomesAMemberKeepsNothingOfItsOwn(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.commit(t, peering(routed(tenant("xe-0/0/7")))))
	bundle := variants["bundle"](peering(tenant("xe-0/0/7")))
	alone := disabled("xe-0/0/7")
	done, err := r.apply(t, bundle, alone)
	require.NoError(t, err)
	require.Contains(t, done.Refused[alone.Port], "is port tor-r1:ae7's", "an interface is a port or a member")
	require.Equal(t, []metal.Port{bundle.Port}, done.Changed)
	snapshot := r.lab.Snapshot()
	require.NotContains(t, snapshot, "xe-0-0-7", "filters, policies, groups")
	require.Contains(t, snapshot, "<ether-options><ieee-802.3ad><lacp><force-up/></lacp><bundle>ae7</bundle></ieee-802.3ad></ether-options>")
	require.Contains(t, snapshot, "<lacp><active/><periodic>fast</periodic></lacp>")
	require.Equal(t, 4, r.lab.Commits())

	bundle.Members = bundle.Members[:1]
	require.Len(t, r.differing(t, bundle), 1, "who is a member that nobody named is drift")
	require.NoError(t, r.commit(t, bundle))
	require.NotContains(t, r.lab.Snapshot(), "<name>xe-1/0/7</name><description>millwright m7 ae7</description><ether-options>")
	require.Empty(t, r.differing(t, bundle))
	require.NoError(t, r.commit(t, variants["bundle"](parked("xe-0/0/7"))))
}

// Whatever a tenant's port had, a parked one and then a disabled one has not.
func TestNothingOfATenantOutlivesIt(t *testing.T) {
	t.Parallel()
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			p := change(tenant("xe-0/0/7"))
			p.Profile, p.Routed, p.BGP = metal.Parked, nil, nil
			require.NoError(t, r.commit(t, p))
			asParked := r.configured(t)
			full := change(tenant("xe-0/0/7"))
			full.Routed, full.BGP = routed(full).Routed, peering(full).BGP
			if len(inet6.of(full.Links)) == 0 {
				full.Routed, full.BGP.Machine = full.Routed[:2], full.BGP.Machine[:1]
			}
			require.NoError(t, r.commit(t, full))
			require.NotEqual(t, asParked, r.configured(t))
			plain := full
			plain.BGP, plain.Routed = nil, nil
			require.NoError(t, r.commit(t, plain))
			for _, gone := range []string{"<bgp><group><name>millwright", "millwright-import-", "millwright-announce-", "<static>", "203.0.113."} {
				require.NotContains(t, r.lab.Snapshot(), gone)
			}
			require.NoError(t, r.commit(t, p))
			require.Equal(t, asParked, r.configured(t))
		})
	}
}

func TestARouteThatMovesToAnotherPortMovesInOneCommit(t *testing.T) {
	t.Parallel()
	r := setup(t)
	a, b := apart(1), apart(2)
	elastic := []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32"), netip.MustParsePrefix("2001:db8:7:100::/56")}
	a.Routed = elastic
	require.NoError(t, r.commit(t, a, b))
	require.Contains(t, r.lab.Snapshot(), "<name>203.0.113.9/32</name><next-hop>198.18.0.3</next-hop>")
	a.Routed, b.Routed = nil, elastic
	done, err := r.apply(t, a, b)
	require.NoError(t, err)
	require.Len(t, done.Changed, 2)
	require.Contains(t, r.lab.Snapshot(), "<name>203.0.113.9/32</name><next-hop>198.18.0.5</next-hop>")
	require.NotContains(t, r.lab.Snapshot(), "198.18.0.3</next-hop>")
	b.Routed = elastic[:1]
	require.NoError(t, r.commit(t, b))
	require.NotContains(t, r.lab.Snapshot(), "2001:db8:7:100::")
	require.NoError(t, r.commit(t, disabled(b.Port.Name)))
	require.NotContains(t, r.lab.Snapshot(), "203.0.113.9")
}

func TestOthersStaticRoutesStay(t *testing.T) {
	t.Parallel()
	const theirs = `<route><name>0.0.0.0/0</name><next-hop>192.0.2.2</next-hop></route>`
	r := setup(t, func(c *netconf.Config) {
		c.Initial = `<configuration><system><host-name>tor-r1</host-name></system><routing-options><static>` + theirs + `</static></routing-options></configuration>`
	})
	require.NoError(t, r.commit(t, routed(tenant("xe-0/0/7"))))
	require.NoError(t, r.commit(t, disabled("xe-0/0/7")))
	require.Contains(t, r.lab.Snapshot(), "<static>"+theirs+"</static>")
}

func TestTermsAreCountedAsCombinations(t *testing.T) {
	t.Parallel()
	terms := managedTerms(asConfigured(piecesOf(t, tenant("xe-0/0/7"), disabled("xe-0/0/8"))))
	// Boot services 2, dhcp 2, icmp 3, own 3, rest 1; and 2, 1, 1, 1.
	require.Equal(t, map[string]int{"millwright-in-xe-0-0-7": 11, "millwright-in6-xe-0-0-7": 5}, terms)
}

func TestAPortWhoseFiltersDoNotFitIsRefusedWithTheNumbers(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) { c.FilterTerms = 40 })
	r.sw.FilterTerms = 40
	done, err := r.apply(t, apart(0), apart(1), apart(2))
	require.NoError(t, err)
	require.Len(t, done.Changed, 2)
	require.Equal(t, "filters need 16 terms, and 8 of the switch's 40 are free", done.Refused[apart(2).Port])
	require.Equal(t, netconf.PortState{}, r.lab.Port(apart(2).Port.Name))

	leaves := apart(1)
	leaves.Profile = metal.Disabled
	done, err = r.apply(t, apart(2), leaves)
	require.NoError(t, err)
	require.Len(t, done.Changed, 2, "what one port gives back another may take, whatever their order")
	require.Len(t, r.lab.Installed(), 4)

	r.sw.FilterTerms = 1
	parkedNow := apart(0)
	parkedNow.Profile = metal.Parked
	done, err = r.apply(t, parkedNow)
	require.NoError(t, err)
	require.Empty(t, done.Refused, "to park never waits for room")
}

func TestAPortWhoseFilterIsNotInstalledIsShut(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "not-installed:2", 1) // the second of three, in the order of their names
	done, err := r.apply(t, apart(0), apart(1), apart(2))
	require.NoError(t, err)
	require.Equal(t, []metal.Port{apart(0).Port, apart(2).Port}, done.Changed)
	require.Contains(t, done.Refused[apart(1).Port], "millwright-in-xe-0-0-1 is committed and not installed: port shut")
	require.False(t, r.lab.Port("xe-0/0/1").Up)
	require.True(t, r.lab.Port("xe-0/0/2").Up)
	require.Equal(t, 2, r.lab.Commits(), "the commit that confirms shuts")
	require.Equal(t, []metal.Port{apart(1).Port}, r.differing(t, apart(0), apart(1), apart(2)))

	done, err = r.apply(t, apart(1))
	require.NoError(t, err)
	require.Equal(t, []metal.Port{apart(1).Port}, done.Changed, "with room, it is opened again")
	require.True(t, r.lab.Port("xe-0/0/1").Up)
}

func TestAHardwareWithoutRoomThatNobodyKnewOfShutsThePort(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) { c.FilterTerms = 20 })
	done, err := r.apply(t, apart(0), apart(1))
	require.NoError(t, err)
	require.Len(t, done.Changed, 1)
	require.Len(t, done.Refused, 1)
	require.True(t, r.lab.Port("xe-0/0/0").Up != r.lab.Port("xe-0/0/1").Up)
}

func TestACommitThatCutsTheWayInIsTakenBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.commit(t, peering(tenant("xe-0/0/7"))))
	before := r.configured(t)
	r.driver.ConfirmTimeout, r.driver.Pause = time.Second, 50*time.Millisecond
	r.fault(t, "login-refused:2", 0)
	_, err := r.apply(t, routed(tenant("xe-0/0/7")), apart(2))
	require.ErrorIs(t, err, errNoWayIn)
	require.ErrorContains(t, err, "taken back, the ports are as they were")
	require.Equal(t, before, r.configured(t))
	r.lab.ClearFaults()
	require.NoError(t, r.commit(t, routed(tenant("xe-0/0/7")), apart(2)))
}

func TestOneLoginRefusedAfterACommitIsNoReasonToTakeItBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "login-refused:2", 1)
	done, err := r.apply(t, tenant("xe-0/0/7"))
	require.NoError(t, err)
	require.Len(t, done.Changed, 1)
}

// The session is lost around the commit that shuts the port and confirms.
func TestAPortWithoutItsFilterIsShutAlsoFromANewSession(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"drop-before-commit:2", "drop-after-commit:2"} {
		r := setup(t)
		r.fault(t, "not-installed:2", 1)
		r.fault(t, lost, 1)
		done, err := r.apply(t, apart(0), apart(1))
		require.NoError(t, err, lost)
		require.Equal(t, []metal.Port{apart(0).Port}, done.Changed)
		require.Contains(t, done.Refused[apart(1).Port], "port shut")
		require.False(t, r.lab.Port("xe-0/0/1").Up)
		require.NotEqual(t, netconf.Confirmed, r.lab.History()[r.lab.Commits()-1].Kind)
	}
}
