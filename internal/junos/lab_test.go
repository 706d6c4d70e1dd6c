package junos

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

// foreign is what others configured on the switch before us, next to ours and
// on the same interfaces.
const foreign = `<configuration>
	<system><host-name>tor-r1</host-name></system>
	<interfaces>
		<interface><name>xe-0/0/7</name><mtu>9216</mtu></interface>
		<interface><name>xe-0/0/47</name><description>uplink</description>
			<unit><name>0</name><family><inet><address><name>192.0.2.1/30</name></address></inet></family></unit></interface>
	</interfaces>
	<firewall><family><inet><filter><name>theirs</name><term><name>t</name><then><accept/></then></term></filter></inet></family></firewall>
	<protocols><bgp><group><name>fabric</name></group></bgp></protocols>
</configuration>`

// rig is a driver and a lab switch on a real socket.
type rig struct {
	lab    *netconf.Switch
	driver *Driver
	sw     metal.Switch
}

func setup(t *testing.T, tune ...func(*netconf.Config)) rig {
	t.Helper()
	config := netconf.Config{Name: "tor-r1", User: "millwright", Password: "s3cret", Initial: foreign}
	for _, f := range tune {
		f(&config)
	}
	lab, err := netconf.New(config)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- lab.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-served)
	})
	return rig{
		lab:    lab,
		driver: newDriver(),
		sw: metal.Switch{
			ID: "tor-r1", Site: "lab1", Address: listener.Addr().String(),
			HostKey: netconf.HostKeyFingerprint("tor-r1"), Credential: "switches",
		},
	}
}

// newDriver has limits that even a busy machine keeps; tests of a limit set it.
func newDriver() *Driver {
	return &Driver{
		Credentials: func(_ context.Context, name string) (metal.Credential, error) {
			switch name {
			case "switches":
				return metal.Credential{User: "millwright", Password: "s3cret"}, nil
			case "bgp-m7":
				return metal.Credential{Password: fakeKey}, nil
			}
			return metal.Credential{}, fmt.Errorf("credential %q: %w", name, metal.ErrNoSecret)
		},
		Timeout: 20 * time.Second, CommitTimeout: 20 * time.Second,
		ConfirmTimeout: 30 * time.Second, Pause: 10 * time.Millisecond,
	}
}

func (r rig) commit(t *testing.T, ports ...metal.PortIntent) error {
	t.Helper()
	return commit(t.Context(), r.driver, r.sw, ports...)
}

// commit is Apply for ports that must all be as intended.
func commit(ctx context.Context, d *Driver, sw metal.Switch, ports ...metal.PortIntent) error {
	done, err := d.Apply(ctx, sw, pendingAre(ports...))
	if err != nil {
		return err
	}
	for port, why := range done.Refused {
		return fmt.Errorf("port %s: %w: %s", port, metal.ErrConfigRefused, why)
	}
	return nil
}

func (r rig) apply(t *testing.T, ports ...metal.PortIntent) (metal.Committed, error) {
	t.Helper()
	return r.driver.Apply(t.Context(), r.sw, pendingAre(ports...))
}

// pendingAre is a store in which those ports wait.
func pendingAre(ports ...metal.PortIntent) func(context.Context) (metal.Change, error) {
	return func(context.Context) (metal.Change, error) {
		return metal.Change{Ports: ports, Comment: "run 7"}, nil
	}
}

// configured is what the switch's configuration means: without entries that
// hold nothing but their name, which stay when the last statement goes.
func (r rig) configured(t *testing.T) string {
	t.Helper()
	running, err := parse([]byte(r.lab.Snapshot()))
	require.NoError(t, err)
	return meaningful(running).canonical()
}

func meaningful(e *element) *element {
	kept := *e
	kept.children = nil
	for _, c := range e.children {
		c = meaningful(c)
		hollow := len(c.children) == 1 && c.key() != "" && (c.name == "interface" || c.name == "rib")
		emptied := len(c.children) == 0 && (c.name == "routing-options" || c.name == "static")
		if !hollow && !emptied {
			kept.children = append(kept.children, c)
		}
	}
	return &kept
}

func (r rig) differing(t *testing.T, ports ...metal.PortIntent) []metal.Port {
	t.Helper()
	drifted, err := r.driver.Drift(t.Context(), r.sw, ports)
	require.NoError(t, err)
	var found []metal.Port
	for _, d := range drifted {
		found = append(found, d.Port)
	}
	return found
}

func (r rig) fault(t *testing.T, name string, times int) {
	t.Helper()
	f, err := netconf.ParseFault(name, times, 0)
	require.NoError(t, err)
	r.lab.SetFault(f)
}

func link(prefix string, role metal.Role) metal.Link {
	return metal.Link{Prefix: netip.MustParsePrefix(prefix), Role: role}
}

// fakeKey is no secret of anybody.
const fakeKey = "not a real key"

// parked, tenant and disabled are the life of a port.
func parked(name string) metal.PortIntent {
	return metal.PortIntent{
		Port: metal.Port{Switch: "tor-r1", Name: name}, Profile: metal.Parked, Machine: "m7",
		Install: link("10.0.0.14/31", metal.Install),
		Boot:    []netip.Addr{netip.MustParseAddr("10.9.0.3"), netip.MustParseAddr("10.9.0.2")},
	}
}

func tenant(name string) metal.PortIntent {
	p := parked(name)
	p.Profile, p.Device = metal.Tenant, "3c1f3a54-7c51-4d0c-9a0f-6f4a0e4d7e11"
	p.Links = []metal.Link{
		link("198.51.100.6/31", metal.Public), link("10.64.0.6/31", metal.Private),
		link("2001:db8:7::6/127", metal.Public),
	}
	return p
}

func disabled(name string) metal.PortIntent {
	p := parked(name)
	p.Profile = metal.Disabled
	return p
}

// routed and peering add to a tenant's port what may come beside its links.
func routed(p metal.PortIntent) metal.PortIntent {
	p.Routed = []netip.Prefix{
		netip.MustParsePrefix("203.0.113.9/32"), netip.MustParsePrefix("203.0.113.64/28"),
		netip.MustParsePrefix("2001:db8:7:100::/56"),
	}
	return p
}

func peering(p metal.PortIntent) metal.PortIntent {
	p.BGP = &metal.BGP{
		LocalAS: 65530, PeerAS: 65000, Secret: "bgp-m7", Limit: 100,
		Switch:   []netip.Addr{netip.MustParseAddr("169.254.255.1"), netip.MustParseAddr("2001:db8:ffff::1")},
		Machine:  []netip.Addr{netip.MustParseAddr("10.64.0.7"), netip.MustParseAddr("2001:db8:7::7")},
		Announce: []netip.Prefix{netip.MustParsePrefix("203.0.113.16/30"), netip.MustParsePrefix("2001:db8:7:200::/56")},
	}
	return p
}

// apart is the nth of many tenants' ports, with addresses of its own.
func apart(n int) metal.PortIntent {
	p := tenant(fmt.Sprintf("xe-0/%d/%d", n/48, n%48))
	v4 := func(a, b byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b, byte(n / 128), byte(n % 128 * 2)}), 31)
	}
	v6 := netip.MustParseAddr("2001:db8:9::").As16()
	v6[13], v6[15] = byte(n/128), byte(n%128*2)
	p.Install = metal.Link{Prefix: v4(10, 1), Role: metal.Install}
	p.Links = []metal.Link{
		{Prefix: v4(198, 18), Role: metal.Public}, {Prefix: v4(10, 65), Role: metal.Private},
		{Prefix: netip.PrefixFrom(netip.AddrFrom16(v6), 127), Role: metal.Public},
	}
	return p
}
