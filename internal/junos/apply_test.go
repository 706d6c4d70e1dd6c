package junos

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

// taken is another's interface with the address that apart(30) wants.
const taken = `<configuration><system><host-name>tor-r1</host-name></system><interfaces><interface><name>et-0/0/48</name>
	<unit><name>0</name><family><inet><address><name>198.18.0.60/31</name></address></inet></family></unit></interface></interfaces></configuration>`

func TestOneBadPortAmong48IsLeftOutAndTheOthersAreCommitted(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) { c.Initial = taken })
	var ports []metal.PortIntent
	for i := range 48 {
		ports = append(ports, apart(i))
	}
	done, err := r.apply(t, ports...)
	require.NoError(t, err)
	require.Len(t, done.Changed, 47)
	require.Len(t, done.Refused, 1)
	require.Contains(t, done.Refused[apart(30).Port], "identical local address 198.18.0.60/31")
	require.Equal(t, 2, r.lab.Commits(), "one that waits for its confirmation, and that")
	require.Equal(t, netconf.PortState{}, r.lab.Port("xe-0/0/30"))
	require.Equal(t, []metal.Port{apart(30).Port}, r.differing(t, ports...))
}

func TestSeveralBadPortsAreAllFound(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) { c.Initial = taken })
	first, last := apart(0), apart(31) // whose addresses port 30 has, too
	first.Links, last.Links = apart(30).Links, apart(30).Links
	wrong := apart(5)
	wrong.Links[0] = link("198.18.0.0/24", metal.Public)
	done, err := r.apply(t, first, apart(3), wrong, apart(4), apart(6), last)
	require.NoError(t, err)
	require.Equal(t, []metal.Port{apart(3).Port, apart(4).Port, apart(6).Port}, done.Changed)
	require.Len(t, done.Refused, 3)
	require.Contains(t, done.Refused[wrong.Port], "no /30, /31 or /127", "our own words where we refused")
}

func TestARefusalOfEverythingIsNoErrorAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) { c.Initial = taken })
	before := r.lab.Snapshot()
	done, err := r.apply(t, apart(30))
	require.NoError(t, err)
	require.Empty(t, done.Changed)
	require.Contains(t, done.Refused, apart(30).Port)
	require.Zero(t, r.lab.Commits())
	require.Equal(t, before, r.lab.Snapshot())
	require.Empty(t, done.Diff)
	_, err = r.apply(t, apart(31))
	require.NoError(t, err, "neither lock nor candidate was left behind")
}

func TestWhatIsPendingIsAskedUnderTheLock(t *testing.T) {
	t.Parallel()
	r := setup(t)
	asked := false
	_, err := r.driver.Apply(t.Context(), r.sw, func(ctx context.Context) (metal.Change, error) {
		asked = true
		_, err := r.driver.Apply(ctx, r.sw, pendingAre())
		var held *LockHeld
		require.ErrorAs(t, err, &held)
		require.Equal(t, "millwright", held.Holder().User)
		require.WithinDuration(t, time.Now(), held.Since, time.Minute)
		return metal.Change{Ports: []metal.PortIntent{parked("xe-0/0/7")}}, nil
	})
	require.NoError(t, err)
	require.True(t, asked)

	broken := errors.New("the store is away")
	_, err = r.driver.Apply(t.Context(), r.sw, func(context.Context) (metal.Change, error) { return metal.Change{}, broken })
	require.ErrorIs(t, err, broken)
	_, err = r.apply(t)
	require.NoError(t, err, "the lock was given back, and nothing pending is nothing to do")
	require.Equal(t, 2, r.lab.Commits())
}

// The store may be slow, or locked; its time is not the switch's.
func TestWhatIsPendingMayTakeLongerToSayThanAnOperation(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.Timeout = time.Second
	done, err := r.driver.Apply(t.Context(), r.sw, func(ctx context.Context) (metal.Change, error) {
		pause(ctx, 2*r.driver.Timeout)
		return metal.Change{Ports: []metal.PortIntent{parked("xe-0/0/7")}}, nil
	})
	require.NoError(t, err)
	require.Len(t, done.Changed, 1)
}

// Two workers, each with ports of its own that it wants on the switch; whoever
// has the lock commits all that wait.
func TestTwoDriversOnOneSwitchLoseNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var mu sync.Mutex
	var waiting []metal.PortIntent
	work := func(driver *Driver, ports []metal.PortIntent) error {
		for _, p := range ports {
			mu.Lock()
			waiting = append(waiting, p)
			mu.Unlock()
			var held *LockHeld
			for {
				_, err := driver.Apply(t.Context(), r.sw, func(context.Context) (metal.Change, error) {
					mu.Lock()
					defer mu.Unlock()
					return metal.Change{Ports: append([]metal.PortIntent{}, waiting...)}, nil
				})
				if err == nil {
					break
				}
				if !errors.As(err, &held) {
					return err
				}
			}
		}
		return nil
	}
	ended := make(chan error, 2)
	var all []metal.PortIntent
	for w := range 2 {
		var mine []metal.PortIntent
		for i := range 6 {
			mine = append(mine, apart(20*w+i))
		}
		all = append(all, mine...)
		go func() { ended <- work(newDriver(), mine) }()
	}
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
	require.Empty(t, r.differing(t, all...))
}

func TestADiffIsInTheSwitchsWordsAndHasNoSecret(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var log bytes.Buffer
	r.driver.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	planned, err := r.driver.Plan(t.Context(), r.sw, []metal.PortIntent{peering(routed(tenant("xe-0/0/7")))})
	require.NoError(t, err)
	require.Zero(t, r.lab.Commits())
	done, err := r.apply(t, peering(routed(tenant("xe-0/0/7"))))
	require.NoError(t, err)
	require.Equal(t, done.Diff, planned, "a plan is the exact diff")
	require.Contains(t, done.Diff, "[edit interfaces interface xe-0/0/7]")
	require.Contains(t, done.Diff, "203.0.113.9/32")
	require.Contains(t, done.Diff, keyTag+" "+hidden+"; ## SECRET-DATA")
	require.NotRegexp(t, `\$9\$|`+fakeKey, done.Diff)
	require.Contains(t, r.lab.Snapshot(), "<authentication-key>$9$")
	require.Empty(t, r.differing(t, peering(routed(tenant("xe-0/0/7")))), "the key is read back as it was told")

	drifted, err := r.driver.Drift(t.Context(), r.sw, []metal.PortIntent{tenant("xe-0/0/7")})
	require.NoError(t, err)
	require.Len(t, drifted, 1)
	require.Contains(t, drifted[0].Diff, "- set protocols bgp group millwright-xe-0-0-7 "+keyTag+" "+hidden)
	require.NotRegexp(t, `\$9\$|`+fakeKey, drifted[0].Diff+log.String())
}

func TestAPlanThatCannotBeCarriedOutIsAnErrorAndLeavesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) { c.Initial = taken })
	before := r.lab.Snapshot()
	_, err := r.driver.Plan(t.Context(), r.sw, []metal.PortIntent{apart(1), apart(30)})
	require.ErrorIs(t, err, metal.ErrConfigRefused)
	require.ErrorContains(t, err, "identical local address")
	text, err := r.driver.Plan(t.Context(), r.sw, []metal.PortIntent{apart(1)})
	require.NoError(t, err)
	require.NotEmpty(t, text)
	require.Equal(t, before, r.lab.Snapshot())
	require.Zero(t, r.lab.Commits())
}

func TestDriftNamesEachPortAndHowItDiffers(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.commit(t, apart(1), apart(2)))
	drifted, err := r.driver.Drift(t.Context(), r.sw, []metal.PortIntent{apart(1), apart(2)})
	require.NoError(t, err)
	require.Empty(t, drifted)
	moved := apart(2)
	moved.Links[0] = link("198.51.100.90/31", metal.Public)
	drifted, err = r.driver.Drift(t.Context(), r.sw, []metal.PortIntent{apart(1), moved})
	require.NoError(t, err)
	require.Len(t, drifted, 1)
	require.Equal(t, moved.Port, drifted[0].Port)
	require.Contains(t, drifted[0].Diff, "- set interfaces interface xe-0/0/2 unit 0 family inet address 198.18.0.4/31\n")
	require.Contains(t, drifted[0].Diff, "+ set interfaces interface xe-0/0/2 unit 0 family inet address 198.51.100.90/31\n")
	require.NotContains(t, drifted[0].Diff, "xe-0/0/1 ")
}

func TestTheSwitchsBGPIsReadBackToItsPorts(t *testing.T) {
	t.Parallel()
	r := setup(t)
	none, err := r.driver.Sessions(t.Context(), r.sw)
	require.NoError(t, err)
	require.Empty(t, none, "others' sessions are not ours to show")
	require.NoError(t, r.commit(t, peering(tenant("xe-0/0/7"))))
	r.lab.SetPeer(netip.MustParseAddr("10.64.0.7"), netconf.Peer{
		State: "Established", Since: time.Now().Add(-time.Hour), Received: 3, Accepted: 2,
	})
	sessions, err := r.driver.Sessions(t.Context(), r.sw)
	require.NoError(t, err)
	require.Len(t, sessions, 2)
	require.Equal(t, tenant("xe-0/0/7").Port, sessions[0].Port)
	require.Equal(t, netip.MustParseAddr("10.64.0.7"), sessions[0].Machine)
	require.Equal(t, "Established", sessions[0].State)
	require.Equal(t, []int{3, 2}, []int{sessions[0].Received, sessions[0].Accepted})
	require.WithinDuration(t, time.Now().Add(-time.Hour), sessions[0].Since, time.Minute)
	require.Equal(t, "Active", sessions[1].State)
	require.Zero(t, sessions[1].Since)
}

func TestNeighborsAreReadWithTheirPortsAndAddresses(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.lab.SetNeighbors(
		netconf.Neighbor{Port: "xe-0/0/7", Chassis: "0C:C4:7A:00:00:01", RemoteID: "0C:C4:7A:00:00:07", RemoteName: "eth0", System: "m7"},
		netconf.Neighbor{Port: "et-0/0/48", Chassis: "2c:6b:f5:00:00:01", RemoteID: "et-0/0/0", System: "spine1"},
	)
	heard, err := r.driver.Neighbors(t.Context(), r.sw)
	require.NoError(t, err)
	require.Equal(t, []metal.Neighbor{
		{Port: metal.Port{Switch: "tor-r1", Name: "xe-0/0/7"}, System: "m7", Remote: "eth0", MAC: "0c:c4:7a:00:00:07"},
		{Port: metal.Port{Switch: "tor-r1", Name: "et-0/0/48"}, System: "spine1", Remote: "et-0/0/0"},
	}, heard)
}

func FuzzStateIsReadFromAnyReply(f *testing.F) {
	f.Add([]byte(`<r><bgp-information><bgp-peer><peer-address>10.0.0.1+179</peer-address><elapsed-time seconds="9">x</elapsed-time><bgp-rib><received-prefix-count>7</received-prefix-count></bgp-rib></bgp-peer></bgp-information></r>`))
	f.Add([]byte(`<r><lldp-neighbor-information><lldp-local-interface>xe-0/0/1.0</lldp-local-interface><lldp-remote-port-id>aa:bb:cc:dd:ee:ff</lldp-remote-port-id></lldp-neighbor-information></r>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		reply, err := parse(document)
		if err != nil {
			return
		}
		now := time.Now()
		for _, s := range observed([]metal.BGPSession{{Machine: netip.MustParseAddr("10.0.0.1"), State: "Idle"}}, reply.child("bgp-information"), now) {
			require.NotEmpty(t, s.State)
			require.False(t, s.Since.After(now))
			require.True(t, s.Received >= 0 && s.Accepted >= 0)
		}
		for _, n := range reply.all("lldp-neighbor-information") {
			found := neighbor(metal.Port{Name: localPort(n)}, n)
			require.NotContains(t, found.Port.Name, ".")
			require.Equal(t, strings.ToLower(found.MAC), found.MAC)
		}
		peers(metal.Switch{ID: "x"}, reply)
		managedTerms(reply)
	})
}
