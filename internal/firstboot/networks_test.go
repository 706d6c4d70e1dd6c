package firstboot

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// Defaults as each kind of network configuration has to say them: the switch's
// end of the public links, and everything private by way of the private link's.
const (
	gateway4, gateway6 = "198.51.100.4", "2001:db8::4"
	private            = "10.1.0.8"
)

// render has cloud-init write a network configuration in one of the ways that
// systems read, and gives all it wrote.
func render(t *testing.T, m metal.BootMachine, distro, kind string) string {
	t.Helper()
	folder := t.TempDir()
	plan := write(t, filepath.Join(folder, "network-config"), file(t, rendered(t, of(distro, m), metal.CloudInit), "network-config"))
	args := []string{"devel", "net-convert", "-p", plan, "-k", "yaml", "-D", distro, "-O", kind, "-d", filepath.Join(folder, "out")}
	for i, mac := range m.MACs {
		args = append(args, "-m", fmt.Sprintf("eth%d,%s", i, strings.ToLower(mac)))
	}
	run(t, nil, "cloud-init", args...)
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(filepath.Join(folder, "out"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.WriteString("===== " + strings.TrimPrefix(path, filepath.Join(folder, "out")) + "\n")
		all.Write(text)
		return err
	}))
	return all.String()
}

// TestEveryRendererOfCloudInitGetsAddressesAndRoutesRight for what each of our
// systems may read: CentOS sysconfig or NetworkManager, others the rest.
func TestEveryRendererOfCloudInitGetsAddressesAndRoutesRight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		distro, kind string
		want         []string
	}{
		{"centos", "sysconfig", []string{
			"IPADDR=198.51.100.5", "NETMASK=255.255.255.254", "GATEWAY=" + gateway4, "DEFROUTE=yes", "IPADDR1=10.1.0.9",
			"IPV6ADDR=2001:db8::5/127", "IPV6_DEFAULTGW=" + gateway6, "ADDRESS0=10.0.0.0\nGATEWAY0=" + private + "\nNETMASK0=255.0.0.0",
			"nameserver 192.0.2.53", "nameserver 2001:db8:53::53",
		}},
		{"fedora", "network-manager", []string{
			"address1=198.51.100.5/31", "gateway=" + gateway4, "address2=10.1.0.9/31", "route1=10.0.0.0/8," + private,
			"address1=2001:db8::5/127", "gateway=" + gateway6, "dns=192.0.2.53;", "dns=2001:db8:53::53;",
		}},
		{"fedora", "networkd", []string{
			"Address=198.51.100.5/31", "Gateway=" + gateway4, "Address=10.1.0.9/31", "Destination=10.0.0.0/8\n\nGateway=" + private,
			"Address=2001:db8::5/127", "Gateway=" + gateway6, "DNS=192.0.2.53 2001:db8:53::53",
		}},
		{"fedora", "eni", []string{
			"address 198.51.100.5/31", "gateway " + gateway4, "address 10.1.0.9/31", "route add -net 10.0.0.0/8 gw " + private,
			"address 2001:db8::5/127", "gateway " + gateway6,
		}},
		{"debian", "netplan", []string{
			"- 198.51.100.5/31", "to: 0.0.0.0/0\n                via: " + gateway4, "to: 10.0.0.0/8\n                via: " + private,
			"- 2001:db8::5/127", "to: ::/0\n                via: " + gateway6,
		}},
	} {
		for name, m := range map[string]metal.BootMachine{"single": single(), "bundle": bundle()} {
			text := render(t, m, c.distro, c.kind)
			for _, want := range c.want {
				require.Contains(t, text, want, "%s of %s, %s:\n%s", c.kind, c.distro, name, text)
			}
			require.NotContains(t, text, "::/64", "what cloud-init makes of a route to ::/0")
			require.NotContains(t, text, "203.0.113.77", "elastic addresses are the tenant's to configure")
		}
	}
}

func TestABundleIsLACPForEveryRenderer(t *testing.T) {
	t.Parallel()
	require.Contains(t, render(t, bundle(), "centos", "sysconfig"),
		`BONDING_OPTS="mode=802.3ad xmit_hash_policy=layer3+4 miimon=100 lacp_rate=fast"`)
	require.Regexp(t, `(?s)type=bond.*mode=802.3ad`, render(t, bundle(), "fedora", "network-manager"))
	require.Regexp(t, `(?s)lacp-rate: fast.*mode: 802.3ad`, render(t, bundle(), "ubuntu", "netplan"))
	require.NotContains(t, render(t, single(), "ubuntu", "netplan"), "bond")
}

// TestAMACOfDigitsIsNoNumber: to YAML 1.1 it is one, in base 60.
func TestAMACOfDigitsIsNoNumber(t *testing.T) {
	t.Parallel()
	m := single()
	m.MACs = []string{"52:54:00:00:00:07"}
	m.Tenancy.Hostname = "on"
	require.Contains(t, render(t, m, "centos", "sysconfig"), "HWADDR=52:54:00:00:00:07")
	require.Equal(t, "on", hear(t, rendered(t, m, metal.CloudInit)).Hostname)
}

// TestNetplanTakesWhatWeWrite and makes of it what its own systemd-networkd
// reads, without a word of complaint.
func TestNetplanTakesWhatWeWrite(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]metal.BootMachine{"single": single(), "bundle": bundle(), "independent": independent()} {
		root := t.TempDir()
		plan := file(t, rendered(t, m, metal.CloudInit), "network-config")
		write(t, filepath.Join(root, "etc/netplan/50-cloud-init.yaml"), append([]byte("network:\n"), indented(plan)...))
		out := run(t, nil, "netplan", "generate", "--root-dir", root)
		require.Empty(t, out)
		carrier := "eth0"
		if name == "bundle" {
			carrier = "bond0"
		}
		text, err := os.ReadFile(filepath.Join(root, "run/systemd/network/10-netplan-"+carrier+".network"))
		require.NoError(t, err)
		for _, want := range []string{
			"Address=198.51.100.5/31", "Address=10.1.0.9/31", "Address=2001:db8::5/127", "IPv6AcceptRA=no",
			"Destination=0.0.0.0/0\nGateway=" + gateway4 + "\nGatewayOnLink=true",
			"Destination=::/0\nGateway=" + gateway6, "Destination=10.0.0.0/8\nGateway=" + private,
		} {
			require.Contains(t, string(text), want, "%s:\n%s", name, text)
		}
	}
}

func indented(text []byte) []byte {
	return []byte("  " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  ") + "\n")
}

// TestNetworkManagerReadsOurConnections has nmcli parse each keyfile and write
// what it understood.
func TestNetworkManagerReadsOurConnections(t *testing.T) {
	t.Parallel()
	understood := func(m metal.BootMachine, name string) string {
		_, files := configured(t, m, metal.Ignition)
		text := files["/etc/NetworkManager/system-connections/"+name+".nmconnection"]
		return run(t, []byte(text), "nmcli", "--offline", "connection", "modify", "connection.autoconnect", "yes")
	}
	for _, text := range []string{understood(single(), "eth0"), understood(bundle(), "bond0"), understood(independent(), "eth0")} {
		for _, want := range []string{
			"address1=198.51.100.5/31," + gateway4, "address2=10.1.0.9/31", "route1=10.0.0.0/8," + private,
			"address1=2001:db8::5/127," + gateway6, "dns=192.0.2.53;", "dns=2001:db8:53::53;", "method=manual",
		} {
			require.Contains(t, text, want)
		}
	}
	require.Regexp(t, `(?s)\[bond\]\nlacp_rate=fast\nmiimon=100\nmode=802.3ad\nxmit_hash_policy=layer3\+4`, understood(bundle(), "bond0"))
	require.Regexp(t, `(?s)master=bond0\nslave-type=bond.*mac-address=52:54:00:00:01:0A`, understood(bundle(), "eth1"))
	require.Contains(t, understood(independent(), "eth1"), "[ipv6]\nmethod=disabled")
}

func TestOnTwoSwitchesEachNICHasItsLinkAndLoopbackTheRest(t *testing.T) {
	t.Parallel()
	n, err := newNetwork(independent(), Options{Positions: onSecond})
	require.NoError(t, err)
	require.Equal(t, "[198.51.100.5/31 10.1.0.9/31 2001:db8::5/127]", fmt.Sprint(n.NICs[0].Addresses))
	require.Equal(t, "[10.1.0.11/31]", fmt.Sprint(n.NICs[1].Addresses))
	require.Empty(t, n.NICs[1].Routes, "two ways to the same block are for BGP to weigh")
	require.Empty(t, n.NICs[1].Gateways)
	require.Equal(t, "[198.51.100.200/32 2001:db8::c8/128]", fmt.Sprint(n.Loopback))
	require.Nil(t, n.Bond)
}
