package junos

import (
	"context"
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
		Credentials: func(context.Context, string) (metal.Credential, error) {
			return metal.Credential{User: "millwright", Password: "s3cret"}, nil
		},
		Timeout: 20 * time.Second, CommitTimeout: 20 * time.Second,
		ConfirmTimeout: 30 * time.Second, Pause: 10 * time.Millisecond,
	}
}

func (r rig) commit(t *testing.T, ports ...metal.PortIntent) error {
	t.Helper()
	return r.driver.Commit(t.Context(), r.sw, ports, "run 7")
}

func (r rig) differing(t *testing.T, ports ...metal.PortIntent) []metal.Port {
	t.Helper()
	found, err := r.driver.Differing(t.Context(), r.sw, ports)
	require.NoError(t, err)
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
