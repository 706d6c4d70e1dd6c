package junos

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

func TestAPortLivesFromParkedToTenantAndBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"xe-0/0/7", "ae7"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)

			require.NoError(t, r.commit(t, parked(name)))
			asParked := r.lab.Snapshot()
			state := r.lab.Port(name)
			require.True(t, state.Up)
			require.Equal(t, netip.MustParsePrefix("10.0.0.14/31"), state.Install)
			require.Len(t, state.Addresses, 1)
			require.ElementsMatch(t, parked(name).Boot, state.Relay)

			require.NoError(t, r.commit(t, tenant(name)))
			state = r.lab.Port(name)
			require.Equal(t, netip.MustParsePrefix("10.0.0.14/31"), state.Install)
			require.ElementsMatch(t, state.Addresses, []netip.Prefix{
				netip.MustParsePrefix("10.0.0.14/31"), netip.MustParsePrefix("198.51.100.6/31"),
				netip.MustParsePrefix("10.64.0.6/31"), netip.MustParsePrefix("2001:db8:7::6/127"),
			})
			managed, err := r.driver.ManagedPorts(t.Context(), r.sw)
			require.NoError(t, err)
			require.Equal(t, []metal.Port{{Switch: "tor-r1", Name: name}}, managed)

			require.NoError(t, r.commit(t, parked(name)))
			require.Equal(t, asParked, r.lab.Snapshot(), "nothing of the tenant is left")
			managed, err = r.driver.ManagedPorts(t.Context(), r.sw)
			require.NoError(t, err)
			require.Empty(t, managed)

			require.NoError(t, r.commit(t, disabled(name)))
			require.Equal(t, netconf.PortState{}, r.lab.Port(name))
			require.NotContains(t, r.lab.Snapshot(), "10.0.0.14/31")
			require.NotContains(t, r.lab.Snapshot(), "<name>"+name+".0</name>")
		})
	}
}

func TestCommittingTwiceCommitsOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ports := []metal.PortIntent{tenant("xe-0/0/7"), parked("xe-0/0/8")}
	ports[1].Install = link("10.0.0.16/30", metal.Install)
	require.NoError(t, r.commit(t, ports...))
	require.Equal(t, 2, r.lab.Commits(), "one that waits for its confirmation, and that")
	require.Empty(t, r.differing(t, ports...))
	require.NoError(t, r.commit(t, ports...))
	require.Equal(t, 2, r.lab.Commits())
	require.Equal(t, "run 7", r.lab.History()[1].Comment)
}

func TestACommitLeavesWhatOthersConfigured(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.commit(t, tenant("xe-0/0/7"), disabled("xe-0/0/9")))
	for _, theirs := range []string{
		"<mtu>9216</mtu>", "<description>uplink</description>", "192.0.2.1/30",
		"<name>theirs</name>", "<name>fabric</name>", "<host-name>tor-r1</host-name>",
	} {
		require.Contains(t, r.lab.Snapshot(), theirs)
	}
}

func TestOnlyThePortsThatDifferAreNamed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	second := parked("xe-0/0/8")
	second.Install = link("10.0.0.16/31", metal.Install)
	require.NoError(t, r.commit(t, parked("xe-0/0/7"), second))
	second.Profile = metal.Tenant
	require.Equal(t, []metal.Port{second.Port}, r.differing(t, parked("xe-0/0/7"), second))

	moved := parked("xe-0/0/7")
	moved.Boot = moved.Boot[:1]
	require.Len(t, r.differing(t, moved, disabled("xe-0/0/10")), 2)
}

func TestALeakedAddressIsFoundWhateverTheDescriptionSays(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) {
		c.Initial = `<configuration><interfaces><interface><name>xe-0/0/3</name><description>spare</description>
			<unit><name>0</name><family><inet6><filter><input><filter-name>millwright-in6-xe-0-0-3</filter-name></input></filter>
			<address><name>2001:db8::2/127</name></address></inet6></family></unit></interface></interfaces></configuration>`
	})
	leaked, err := r.driver.ManagedPorts(t.Context(), r.sw)
	require.NoError(t, err)
	require.Equal(t, []metal.Port{{Switch: "tor-r1", Name: "xe-0/0/3"}}, leaked)
}

func TestAnIntentThatNoPortCanHaveIsRefusedWithoutTheSwitch(t *testing.T) {
	t.Parallel()
	r := setup(t)
	before := r.lab.Snapshot()
	wide, elsewhere, other := parked("xe-0/0/7"), parked("xe-0/0/7"), parked("xe-0/0/8")
	wide.Install = link("10.0.0.0/24", metal.Install)
	elsewhere.Port.Switch = "tor-r2"
	other.Boot = other.Boot[:1]
	for words, ports := range map[string][]metal.PortIntent{
		"link 10.0.0.0/24 is no /30, /31 or /127": {wide},
		"not one of switch tor-r1":                {elsewhere},
		"boot services":                           {disabled("xe-0/0/7"), parked("xe-0/0/9"), other},
		`profile ""`:                              {{Port: metal.Port{Switch: "tor-r1", Name: "xe-0/0/7"}}},
	} {
		design := render(r.sw, ports, nil)
		require.NotEmpty(t, design.refused, words)
		for _, why := range design.refused {
			require.ErrorIs(t, why, metal.ErrUnsupported)
			require.ErrorContains(t, why, words)
		}
		if len(ports) > 1 {
			continue // one of them would do
		}
		done, err := r.apply(t, ports...)
		require.NoError(t, err, words)
		require.Contains(t, done.Refused[ports[0].Port], words)
		require.Zero(t, r.lab.Commits())
		require.Equal(t, before, r.lab.Snapshot())
	}
}

func TestCallersAtOnceTakeTurns(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var ports []metal.PortIntent
	for i := range 6 {
		ports = append(ports, apart(i))
	}
	ended := make(chan error, len(ports))
	for _, p := range ports {
		go func() {
			var held *LockHeld
			for {
				err := commit(t.Context(), r.driver, r.sw, p)
				if err == nil || !errors.As(err, &held) {
					ended <- err
					return
				}
			}
		}()
	}
	for range ports {
		require.NoError(t, <-ended)
	}
	require.Empty(t, r.differing(t, ports...))
	require.Equal(t, 2*len(ports), r.lab.Commits())
}

func TestAWholeSwitchFitsInOneCommit(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.Timeout, r.driver.ConfirmTimeout = time.Minute, time.Minute
	var ports []metal.PortIntent
	for i := range 120 {
		ports = append(ports, apart(i))
	}
	require.NoError(t, r.commit(t, ports...))
	require.Empty(t, r.differing(t, ports...))
	require.Equal(t, 2, r.lab.Commits())
}
