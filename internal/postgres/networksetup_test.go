package postgres_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
	"millwright/internal/postgres/query"
	"millwright/internal/sitefile"
	"millwright/internal/stack/pgtest"
)

// networkFile has a machine of each shape, each of a plan of its own: one port,
// a bundle of two that waits for advertisements, ports on two switches. A
// second site has one of the first shape.
const networkFile = `
site: %[1]s
metro: lab
vouched: true
boot: {addresses: [127.%[2]d.0.67]}
bgp: {as: 65530, peer_as: 65000, addresses: [169.254.255.1, "2001:db8:ffff::1"]}
blocks:
  - {prefix: 127.%[2]d.128.0/17, role: install}
  - {prefix: 198.18.%[2]d.0/24, role: public}
  - {prefix: 10.%[2]d.0.0/16, role: private}
  - {prefix: "2001:db8:%[2]d::/48", role: public}
plans:
  plain: {description: "One port", cores: 8, memory_gib: 32, disks_gb: [480]}
  bundle: {description: "Two links", cores: 8, memory_gib: 32, disks_gb: [480]}
  twin: {description: "Two switches", cores: 8, memory_gib: 32, disks_gb: [480]}
operating_systems:
  debian_12:
    name: Debian 12 (bookworm)
    distro: debian
    version: 12
    image: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    size: 65536
    plans: [plain, bundle, twin]
racks: [r1]
switches:
  %[1]s-a: {rack: r1, address: "127.%[2]d.1.1:8300", host_key: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", credential: switch}
  %[1]s-b: {rack: r1, address: "127.%[2]d.1.2:8300", host_key: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", credential: switch}
machines:
`

func networkMachine(site string, net, i int, plan, more string, nics ...string) string {
	text := fmt.Sprintf("  %s-m%d: {rack: r1, unit: %d, plan: %s, firmware: bios%s, bmc: {address: 127.%d.2.%d, protocol: ipmi, credential: bmc}, disks: [{serial: S%d, size_gb: 480}], nics: [",
		site, i, i, plan, more, net, i, i)
	for n, nic := range nics {
		text += fmt.Sprintf(`{mac: "02:%02x:00:00:%02d:%02d", switch: %s-%s},`, net, i, n, site, nic)
	}
	return text + "]}\n"
}

// network is a database with two such sites. The first has two plain machines.
type network struct {
	*rig
	orders int
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	r := &rig{t: t, dsn: pgtest.Database(t, postgres.Migrate)}
	var err error
	r.store, err = postgres.Open(t.Context(), r.dsn)
	require.NoError(t, err)
	t.Cleanup(r.store.Close)
	n := &network{rig: r}
	n.load(fmt.Sprintf(networkFile, "one", 71) +
		networkMachine("one", 71, 1, "plain", "", "a, port: xe-0/0/1") +
		networkMachine("one", 71, 2, "plain", "", "a, port: xe-0/0/2") +
		networkMachine("one", 71, 3, "bundle", ", advertise: true", "a, port: xe-0/0/3, bundle: ae3", "a, port: xe-0/0/4, bundle: ae3") +
		networkMachine("one", 71, 4, "twin", "", "a, port: xe-0/0/5", "b, port: xe-0/0/5"))
	n.load(fmt.Sprintf(networkFile, "two", 72) + networkMachine("two", 72, 1, "plain", "", "a, port: xe-0/0/1"))
	return n
}

func (n *network) load(text string) {
	n.t.Helper()
	site, err := sitefile.Parse([]byte(text), "site.yaml", nil)
	require.NoError(n.t, err)
	_, err = n.store.ImportSite(n.t.Context(), site)
	require.NoError(n.t, err)
}

// claim gives a machine of the plan to a new device, whose port stays parked.
func (n *network) claim(project, site, plan string) metal.Claim {
	n.t.Helper()
	n.orders++
	order, err := metal.ParseOrder(metal.OrderID(fmt.Sprintf("o%d", n.orders)), fmt.Appendf(nil,
		`{"action":"provision","project":%q,"site":%q,"plan":%q,"operating_system":"debian_12"}`, project, site, plan))
	require.NoError(n.t, err)
	_, err = n.store.RecordOrder(n.t.Context(), order)
	require.NoError(n.t, err)
	held, err := n.store.ClaimMachine(n.t.Context(), order.Device, order.ID)
	require.NoError(n.t, err)
	return held.Claim
}

// opened is claim with the ports open.
func (n *network) opened(project, site, plan string) metal.Claim {
	n.t.Helper()
	claim := n.claim(project, site, plan)
	n.set(claim, metal.Tenant)
	return claim
}

func (n *network) set(claim metal.Claim, profile metal.Profile) []metal.PortGeneration {
	n.t.Helper()
	want, err := n.store.SetPorts(n.t.Context(), claim, profile)
	require.NoError(n.t, err)
	return want
}

// of are the intents of a claim's ports, by their position.
func (n *network) of(claim metal.Claim) []metal.PortIntent {
	n.t.Helper()
	ports, err := n.store.Queries().PortsOfMachine(n.t.Context(), string(claim.Machine))
	require.NoError(n.t, err)
	var all []metal.PortIntent
	for _, p := range ports {
		intents, err := n.store.PortIntents(n.t.Context(), metal.SwitchID(p.Switch), []string{p.Name})
		require.NoError(n.t, err)
		require.Len(n.t, intents, 1)
		all = append(all, intents[0])
	}
	return all
}

// applied notes all that is pending on both switches of the first site as read
// back.
func (n *network) applied() {
	n.t.Helper()
	for _, id := range []metal.SwitchID{"one-a", "one-b"} {
		change, err := n.store.PendingPorts(n.t.Context(), id)
		require.NoError(n.t, err)
		require.NoError(n.t, n.store.PortsCommitted(n.t.Context(), id, change, metal.Committed{}))
	}
}

// pending are the ports of a switch that wait for a commit.
func (n *network) pending(id metal.SwitchID) (names []string) {
	n.t.Helper()
	change, err := n.store.PendingPorts(n.t.Context(), id)
	require.NoError(n.t, err)
	for _, p := range change.Ports {
		names = append(names, p.Port.Name)
	}
	return names
}

// reserve makes a project's reservation of a size, and returns its ID and prefix.
func (n *network) reserve(project, site string, family, bits int) (string, netip.Prefix) {
	n.t.Helper()
	n.orders++
	made, err := n.store.Reserve(n.t.Context(), metal.ReservationWish{
		ID:      metal.ReservationID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n.orders)),
		Project: metal.ProjectID(project), Site: metal.SiteID(site), Family: family, Bits: bits,
	})
	require.NoError(n.t, err)
	require.Equal(n.t, metal.ReservationCreated, made.State)
	return string(made.ID), made.Prefix
}

// enableBGP turns BGP on for a project, as `starter bgp enable` does.
func (n *network) enableBGP(project, deployment string, as int64, secret string) {
	n.t.Helper()
	require.NoError(n.t, n.store.Queries().SetProjectBGP(n.t.Context(),
		query.SetProjectBGPParams{Project: project, Deployment: deployment, PeerAs: as, Secret: secret}))
}

// piece is the i-th address of a prefix, alone.
func piece(p netip.Prefix, i int) netip.Prefix {
	a := p.Addr()
	for range i {
		a = a.Next()
	}
	return netip.PrefixFrom(a, a.BitLen())
}
