package firstboot

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestTheSameMachineGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, method := range []metal.FirstBootMethod{metal.CloudInit, metal.Ignition, metal.Flatcar, metal.IPXE, metal.Plain} {
		first := rendered(t, bundle(), method)
		for range 20 { // maps come in another order each time
			require.Equal(t, first, rendered(t, bundle(), method))
		}
	}
}

func TestAMachineWithAScriptOrAnImageThatKnowsGetsNoFiles(t *testing.T) {
	t.Parallel()
	for _, method := range []metal.FirstBootMethod{metal.IPXE, metal.Plain} {
		first := rendered(t, single(), method)
		require.Empty(t, first.Files)
		require.Nil(t, first.Seed)
		require.Equal(t, "web1.example.net", first.Hostname)
	}
}

func TestWhatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*metal.BootMachine, *Options){
		"machine m7: no device lives on it": func(m *metal.BootMachine, _ *Options) { m.Tenancy = nil },
		"it has no NIC":                     func(m *metal.BootMachine, _ *Options) { m.MACs = nil },
		"no address on its first NIC":       func(m *metal.BootMachine, _ *Options) { m.Tenancy.Leases = m.Tenancy.Leases[:1] },
		"want http://host:port":             func(_ *metal.BootMachine, o *Options) { o.URL = "http://h'; rm -rf /" },
		"is said to be on NIC 1 of 1": func(_ *metal.BootMachine, o *Options) {
			o.Positions = map[netip.Prefix]int{netip.MustParsePrefix("10.1.0.8/31"): 1}
		},
	} {
		m, o := single(), options
		change(&m, &o)
		_, err := Render(m, metal.CloudInit, o)
		require.ErrorContains(t, err, want)
	}
	_, err := Render(single(), "kickstart", options)
	require.ErrorContains(t, err, `method "kickstart" is none of cloud-init`)
}

func TestTheScriptOfADeviceIsItsURLOrItsUserData(t *testing.T) {
	t.Parallel()
	script, ok := ScriptOf("http://example.net/x.ipxe", []byte("#!ipxe\nother"))
	require.True(t, ok)
	require.Contains(t, script.Text(), "#!ipxe\n")
	require.Contains(t, script.Text(), "chain --autofree http://example.net/x.ipxe ")
	script, ok = ScriptOf("", []byte("#!ipxe\nsanboot http://example.net/\n"))
	require.True(t, ok)
	require.Equal(t, "#!ipxe\nsanboot http://example.net/\n", script.Text())
	_, ok = ScriptOf("", []byte("#cloud-config\n"))
	require.False(t, ok)
}
