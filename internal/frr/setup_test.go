package frr

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/netrack"
)

const (
	key     = "s3cret-key"
	keyName = "bgp-acme"
	soon    = time.Minute // for what takes a second on an idle machine
)

// rig is a rack with a driver for its switch.
type rig struct {
	*netrack.Rack
	driver *Driver
	sw     metal.Switch
}

func setup(t *testing.T, hosts int) *rig {
	t.Helper()
	return equip(netrack.New(t, netrack.Options{Hosts: hosts}))
}

func equip(rack *netrack.Rack) *rig {
	r := &rig{Rack: rack, sw: rack.Switch()}
	r.driver = &Driver{Credentials: r.credentials, Pause: 50 * time.Millisecond}
	return r
}

// credentials knows a BGP key beside the switch's login.
func (r *rig) credentials(ctx context.Context, name string) (metal.Credential, error) {
	switch name {
	case keyName:
		return metal.Credential{Password: key}, nil
	case "spaced":
		return metal.Credential{Password: "two words"}, nil
	}
	return r.Rack.Credentials(ctx, name)
}

// apply makes the ports as intended, and has the driver see no drift after it.
func (r *rig) apply(t *testing.T, ports ...metal.PortIntent) metal.Committed {
	t.Helper()
	done, err := r.driver.Apply(t.Context(), r.sw, asked(ports...))
	require.NoError(t, err)
	require.Empty(t, done.Refused)
	require.Empty(t, r.drift(t, ports...))
	require.NotContains(t, done.Diff, key)
	return done
}

func (r *rig) drift(t *testing.T, ports ...metal.PortIntent) []metal.Drift {
	t.Helper()
	drift, err := r.driver.Drift(t.Context(), r.sw, ports)
	require.NoError(t, err)
	return drift
}

func asked(ports ...metal.PortIntent) func(context.Context) (metal.Change, error) {
	return func(context.Context) (metal.Change, error) {
		return metal.Change{Ports: ports, Comment: "test"}, nil
	}
}

// wear dresses a machine as its port's intent says.
func (r *rig) wear(t *testing.T, i int, p metal.PortIntent) {
	t.Helper()
	require.NoError(t, r.Host(i).Wear(t.Context(), p))
}

// eventually waits for what a network needs a moment for.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, soon, 100*time.Millisecond, what)
}

// byHand does to the switch what an operator might.
func (r *rig) byHand(t *testing.T, script string) string {
	t.Helper()
	out, err := r.Tor.Shell(t.Context(), script)
	require.NoError(t, err)
	return out
}

// speaking is a tenant's port with BGP for the prefixes.
func (r *rig) speaking(i int, announce ...string) metal.PortIntent {
	p := r.Tenant(i)
	p.BGP = &metal.BGP{
		LocalAS: 65530, PeerAS: 65000, Secret: keyName, Limit: 10,
		Switch:  []netip.Addr{netrack.SwitchAddress, netrack.SwitchAddress6},
		Machine: []netip.Addr{p.Links[0].Machine(), p.Links[2].Machine()},
	}
	for _, a := range announce {
		p.BGP.Announce = append(p.BGP.Announce, netip.MustParsePrefix(a))
	}
	return p
}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// established waits until all of a port's sessions are up and gives them.
func (r *rig) established(t *testing.T) []metal.BGPSession {
	t.Helper()
	var sessions []metal.BGPSession
	eventually(t, "sessions are up", func() bool {
		var err error
		sessions, err = r.driver.Sessions(t.Context(), r.sw)
		require.NoError(t, err)
		for _, s := range sessions {
			if s.State != "Established" || s.Received == 0 {
				return false
			}
		}
		return len(sessions) > 0
	})
	return sessions
}

// sends has a machine send from an address, its own or not, and tells whether
// that arrived anywhere: at the outside, at the boot services or at the switch
// itself. It does not matter whether an answer finds its way.
func (r *rig) sends(t *testing.T, i int, from, to netip.Addr) bool {
	t.Helper()
	_, err := r.Host(i).Shell(t.Context(), fmt.Sprintf("ip addr replace %s/%d dev lo", from, from.BitLen()))
	require.NoError(t, err)
	return r.arrives(t, from, to, func() { r.Host(i).Reaches(t.Context(), to, from) })
}

// hears tells whether what a node sends to a machine arrives there.
func (r *rig) hears(t *testing.T, from *netrack.Node, i int, source, to netip.Addr) bool {
	t.Helper()
	return r.counted(t, r.Host(i).Node, source, to, func() { from.Reaches(t.Context(), to, source) })
}

// arrives looks where an address is: there packets to it are counted.
func (r *rig) arrives(t *testing.T, from, to netip.Addr, send func()) bool {
	t.Helper()
	at := r.Tor
	switch to {
	case netrack.OutsideAddress, netrack.OutsideAddress6:
		at = r.Outside
	case netrack.BootAddress:
		at = r.Boot
	}
	return r.counted(t, at, from, to, send)
}

// counted counts packets with a table of its own, in which they are seen after
// all filters of the switch's.
func (r *rig) counted(t *testing.T, at *netrack.Node, from, to netip.Addr, send func()) bool {
	t.Helper()
	family := "ip6"
	if from.Is4() {
		family = "ip"
	}
	_, err := at.Shell(t.Context(), fmt.Sprintf(`nft -f - <<END
table inet test
delete table inet test
table inet test {
chain seen {
type filter hook input priority 400
%[1]s saddr %[2]s %[1]s daddr %[3]s counter
}
}
END`, family, from, to))
	require.NoError(t, err)
	send()
	listed, err := at.Run(t.Context(), "nft", "list", "table", "inet", "test")
	require.NoError(t, err)
	require.Contains(t, listed, "counter packets")
	return !strings.Contains(listed, "counter packets 0 ")
}

// datagram tells whether UDP from one port of a machine's to another of the
// boot services' arrives there.
func (r *rig) datagram(t *testing.T, i, from, to int) bool {
	t.Helper()
	own, err := r.Host(i).Run(t.Context(), "ip", "-4", "-br", "addr", "show", "eth0")
	require.NoError(t, err)
	source := netip.MustParsePrefix(strings.Fields(own)[2]).Addr()
	return r.counted(t, r.Boot, source, netrack.BootAddress, func() {
		_, err := r.Host(i).Shell(t.Context(), fmt.Sprintf("echo x | socat -u STDIN UDP:%s:%d,bind=%s:%d", netrack.BootAddress, to, source, from))
		require.NoError(t, err)
	})
}

// online waits until a machine reaches the outside both ways.
func (r *rig) online(t *testing.T, i int) {
	t.Helper()
	eventually(t, "IPv4", func() bool { return r.Host(i).Reaches(t.Context(), netrack.OutsideAddress) })
	eventually(t, "IPv6", func() bool { return r.Host(i).Reaches(t.Context(), netrack.OutsideAddress6) })
}

func (r *rig) managed(t *testing.T) []metal.Port {
	t.Helper()
	ports, err := r.driver.ManagedPorts(t.Context(), r.sw)
	require.NoError(t, err)
	return ports
}

// rich is a tenant's port with everything that a port can have.
func (r *rig) rich() metal.PortIntent {
	p := r.speaking(0, "203.0.113.0/28", "2001:db8:6::/48")
	p.Advertise, p.Routed = true, []netip.Prefix{prefix("203.0.113.64/32"), prefix("2001:db8:5::/64")}
	return p
}

// free tells whether nobody has the switch's lock.
func (r *rig) free(t *testing.T) bool {
	t.Helper()
	return r.byHand(t, "touch /var/lib/millwright/lock; flock -n /var/lib/millwright/lock echo free || :") == "free"
}
