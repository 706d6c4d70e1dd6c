package rig_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"millwright/internal/lab"
	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/sitefile"
	"millwright/workflows"
)

// md5 is the key of the BGP sessions. Nobody but worker and switch sees it.
const md5 = "hunter2-of-acme"

// network is a site with two devices, each behind a switch of its own.
type network struct {
	*rig.Rig
	devices [2]metal.DeviceID
	ports   [2]metal.Port
	macs    [2]string
	elastic netip.Prefix
}

// One site for all that operators do with switches: bringing it up takes longer
// than using it.
func TestOperatorsSeeAndSteerTheNetwork(t *testing.T) {
	t.Parallel()
	n := startNetwork(t)
	t.Run("What is done by hand is planned, reported and repaired", n.handMade)
	t.Run("The schedule's checks repair where that is wanted", n.scheduled)
	t.Run("A machine on a wrong port is named with both ports", n.miscabled)
	t.Run("An elastic address moves, also while its device is reinstalled", n.moved)
	t.Run("A BGP session is turned on, seen and turned off", n.peers)
	t.Run("A refused port ends its run in the switch's words", n.refused)
	orders := map[metal.OrderID]metal.OrderInput{}
	for i, d := range n.devices {
		orders[metal.OrderID(fmt.Sprintf("gone-%d", i))] = metal.OrderInput{Action: metal.ActionDeprovision, Device: d}
	}
	allDone(t, all(t, n.Rig, orders))
	clean(t, n.Rig)
	for _, p := range n.ports {
		require.NotContains(t, labSwitch(t, n.Rig, p.Switch).Snapshot(), n.elastic.Addr().String(), "it is nobody's")
	}
}

func startNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{Rig: start(t, rig.Config{Machines: 4, Limits: patient})}
	n.withBGP(t)
	for i := range n.devices { // one after the other: two at once may claim in the same rack
		n.devices[i] = done(t, n.Rig, fmt.Sprintf("p%d", i), rig.Provision()).Device
	}
	for _, m := range machines(t, n.Rig) {
		for i, d := range n.devices {
			if m.Device == string(d) {
				n.ports[i] = metal.Port{Switch: metal.SwitchID(m.Switch), Name: m.Port}
				n.macs[i] = fmt.Sprintf("02:%02x:00:00:00:%02x", n.Net, m.ID[1]-'0')
			}
		}
	}
	require.NotEqual(t, n.ports[0].Switch, n.ports[1].Switch, "a project's devices are spread over the racks")
	return n
}

// withBGP imports the site again, with a bgp section, before any port is used.
func (n *network) withBGP(t *testing.T) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(n.Dir, "credentials", "bgp-acme"), []byte("bgp\n"+md5+"\n"), 0o600))
	file := filepath.Join(n.Dir, "site.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	site, err := sitefile.Parse(text, file, nil)
	require.NoError(t, err)
	site.BGP = sitefile.BGP{AS: 65000, PeerAS: 65001, Addresses: []netip.Addr{netip.MustParseAddr("169.254.255.1")}}
	f, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, sitefile.Write(f, site))
	require.NoError(t, f.Close())
	cli(t, n.Rig, 0, "import", file)
}

func (n *network) handMade(t *testing.T) {
	port, id := n.ports[0], string(n.ports[0].Switch)
	sw := labSwitch(t, n.Rig, n.ports[0].Switch)
	cli(t, n.Rig, 0, "switch", "check", id, "--wait")
	atSwitch(t, n.Rig, port.Switch).commit(described(port.Name, "by hand") + described("et-0/0/48", "uplink to spine1"))
	before, commits := sw.Snapshot(), sw.Commits()

	require.Contains(t, cli(t, n.Rig, 0, "switch", "plan", id), "by hand", "the exact diff")
	require.Contains(t, cli(t, n.Rig, 1, "switch", "check", id, "--wait"), "drifting ports: 1, miscabled machines: 0")
	require.Equal(t, before, sw.Snapshot(), "a plan and a check touch nothing")
	require.Equal(t, commits, sw.Commits())
	drift := cli(t, n.Rig, 0, "switch", "drift", id)
	require.Contains(t, drift, "port "+port.String()+" of machine ")
	require.Contains(t, drift, "by hand")
	require.NotContains(t, drift, "et-0/0/48")

	require.Contains(t, cli(t, n.Rig, 0, "switch", "repair", id, "--wait"), "drifting ports: 1, miscabled machines: 0; the ports are repaired")
	require.NotContains(t, sw.Snapshot(), "by hand")
	require.Contains(t, sw.Snapshot(), "uplink to spine1", "what is not ours stays")
	require.Contains(t, cli(t, n.Rig, 0, "switch", "plan", id), "nothing would change")
	history := cli(t, n.Rig, 0, "switch", "history", id, "--diff", "--limit", "1")
	require.Contains(t, history, "repair of drift")
	require.Contains(t, history, "by hand", "the diff")
}

func (n *network) scheduled(t *testing.T) {
	port, sw := n.ports[0], labSwitch(t, n.Rig, n.ports[0].Switch)
	cli(t, n.Rig, 0, "switch", "repair", string(port.Switch), "--on")
	atSwitch(t, n.Rig, port.Switch).commit(described(port.Name, "by hand again"))
	schedule := n.Client.ScheduleClient().GetHandle(t.Context(), workflows.SwitchesSchedule)
	require.NoError(t, schedule.Trigger(t.Context(), client.ScheduleTriggerOptions{}))
	require.Eventually(t, func() bool { return !strings.Contains(sw.Snapshot(), "by hand again") }, time.Minute, 50*time.Millisecond)
	cli(t, n.Rig, 0, "switch", "repair", string(port.Switch), "--off")
	for _, p := range n.ports { // the schedule's runs end first: a switch has one at a time
		cli(t, n.Rig, 0, "switch", "check", string(p.Switch), "--wait")
	}
}

func (n *network) miscabled(t *testing.T) {
	id := string(n.ports[0].Switch)
	sw := labSwitch(t, n.Rig, n.ports[0].Switch)
	sw.SetNeighbors(
		netconf.Neighbor{Port: "xe-0/0/7", Chassis: n.macs[0], RemoteID: n.macs[0], RemoteName: "eth0"},
		netconf.Neighbor{Port: "et-0/0/48", Chassis: "2c:6b:f5:00:00:01", RemoteID: "et-0/0/0", System: "spine1"})
	require.Contains(t, cli(t, n.Rig, 1, "switch", "check", id, "--wait"), "miscabled machines: 1")
	require.Regexp(t, `m\d +`+id+`:xe-0/0/7 +`+n.ports[0].String()+` +20`, cli(t, n.Rig, 0, "switch", "show", id))
	sw.SetNeighbors(netconf.Neighbor{Port: n.ports[0].Name, Chassis: n.macs[0], RemoteID: n.macs[0], RemoteName: "eth0"})
	cli(t, n.Rig, 0, "switch", "check", id, "--wait")
}

// at requires that the elastic address is in the configuration of one device's
// switch, and not in the other's: neither as a route nor in a filter.
func (n *network) at(t *testing.T, device int) {
	t.Helper()
	for i, p := range n.ports {
		has := strings.Contains(labSwitch(t, n.Rig, p.Switch).Snapshot(), n.elastic.String())
		require.Equal(t, i == device, has, "%s at switch %s", n.elastic, p.Switch)
	}
}

func (n *network) moved(t *testing.T) {
	reserved, err := n.Store.Reserve(t.Context(), metal.ReservationWish{
		ID: "5b1b8f1e-6a55-4c1a-9a65-0d3b2f6a7b13", Project: "acme", Site: rig.Site, Family: 4, Bits: 32,
	})
	require.NoError(t, err)
	n.elastic = reserved.Prefix
	address := n.elastic.Addr().String()
	require.Contains(t, cli(t, n.Rig, 0, "ip", "assign", address, string(n.devices[0]), "--wait"), "it was nobody's")
	n.at(t, 0)
	require.Contains(t, cli(t, n.Rig, 0, "ip", "assign", address, string(n.devices[1]), "--wait"), "it was device "+string(n.devices[0])+"'s")
	n.at(t, 1)

	m := n.machineOf(t, n.devices[1])
	require.NoError(t, n.Lab.SetFault(lab.Fault{Target: "machine/" + m, Name: "slow", Delay: lab.Duration(1500 * time.Millisecond)}))
	again := metal.OrderInput{Action: metal.ActionReinstall, Device: n.devices[1], OperatingSystem: "ubuntu_24_04"}
	require.NoError(t, n.Order(t.Context(), "again", again))
	require.Eventually(t, func() bool { return strings.Contains(n.portsOf(t, n.devices[1]), "parked") }, time.Minute, 20*time.Millisecond)
	cli(t, n.Rig, 0, "ip", "assign", address, string(n.devices[0]), "--wait")
	n.at(t, 0)
	cli(t, n.Rig, 0, "ip", "assign", address, string(n.devices[1]), "--wait")
	d, err := n.Store.Queries().GetDevice(t.Context(), string(n.devices[1]))
	require.NoError(t, err)
	require.Equal(t, "reinstalling", d.State, "both moves were done meanwhile")
	status, err := n.Await(t.Context(), "again")
	require.NoError(t, err)
	require.Equal(t, "done", status.State, status.Outcome)
	n.at(t, 1)
	require.NoError(t, n.Lab.ClearFaults(""))
	n.contended(t, address)
}

// contended moves one address twice at once: both are done, one after the
// other.
func (n *network) contended(t *testing.T, address string) {
	var ended [2]error
	done := make(chan struct{})
	for i, d := range n.devices {
		go func() {
			ended[i] = n.Command(t.Context(), "starter", "ip", "assign", address, string(d), "--wait").Run()
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	require.NoError(t, ended[0])
	require.NoError(t, ended[1])
	cli(t, n.Rig, 0, "ip", "assign", address, string(n.devices[0]), "--wait")
	n.at(t, 0)
}

func (n *network) machineOf(t *testing.T, device metal.DeviceID) string {
	t.Helper()
	for _, m := range machines(t, n.Rig) {
		if m.Device == string(device) {
			return m.ID
		}
	}
	require.Fail(t, "no machine has the device", device)
	return ""
}

// portsOf says how the port of a device's machine stands.
func (n *network) portsOf(t *testing.T, device metal.DeviceID) string {
	t.Helper()
	ports, err := n.Store.Queries().ListPorts(t.Context(), string(rig.Site))
	require.NoError(t, err)
	for _, p := range ports {
		if p.Machine == n.machineOf(t, device) {
			return p.Profile
		}
	}
	return ""
}

func (n *network) peers(t *testing.T) {
	device, id, sw := string(n.devices[0]), string(n.ports[0].Switch), labSwitch(t, n.Rig, n.ports[0].Switch)
	cli(t, n.Rig, 1, "bgp", "session", device, "4", "on", "--wait")
	cli(t, n.Rig, 0, "bgp", "enable", "acme", "--deployment", "local", "--as", "65001", "--secret", "bgp-acme")
	cli(t, n.Rig, 0, "bgp", "session", device, "4", "on", "--wait")
	peer := n.privateAddress(t, n.devices[0])
	require.Contains(t, sw.Snapshot(), "<neighbor><name>"+peer.String()+"</name>")
	sw.SetPeer(peer, netconf.Peer{State: "Established", Since: time.Now(), Received: 3, Accepted: 1})
	cli(t, n.Rig, 0, "switch", "check", id, "--wait")
	for _, args := range [][]string{{"bgp", "list"}, {"switch", "show", id}} {
		require.Regexp(t, device+` +4 +Established +3 +1 +20`, cli(t, n.Rig, 0, args...))
	}
	require.Contains(t, cli(t, n.Rig, 1, "bgp", "disable", "acme"), "turn them off first")
	cli(t, n.Rig, 0, "bgp", "session", device, "4", "off", "--wait")
	require.NotContains(t, sw.Snapshot(), peer.String()+"</name></neighbor>")
	require.NotContains(t, sw.Snapshot(), "<neighbor>")
	cli(t, n.Rig, 0, "bgp", "disable", "acme")
	require.NotContains(t, cli(t, n.Rig, 0, "switch", "history", id, "--diff"), md5)
}

func (n *network) privateAddress(t *testing.T, device metal.DeviceID) netip.Addr {
	t.Helper()
	leases, err := n.Store.DeviceLeases(t.Context(), []string{string(device)})
	require.NoError(t, err)
	for _, l := range leases[device] {
		if l.Role == metal.Private {
			return l.Link().Machine()
		}
	}
	require.Fail(t, "no private address")
	return netip.Addr{}
}

// refused has an operator use every public address that is left, on uplinks:
// the switch does not take an address twice, and says so only when it commits.
func (n *network) refused(t *testing.T) {
	for _, p := range n.ports {
		atSwitch(t, n.Rig, p.Switch).commit(n.uplink(t, p.Switch))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	status, err := n.Do(ctx, "refused", rig.Provision())
	require.NoError(t, err)
	require.Equal(t, "failed", status.State)
	require.Contains(t, status.Outcome, "identical local address 198.51.100.")
	require.ErrorContains(t, n.Client.GetWorkflow(ctx, workflows.DeviceRun(status.Device), "").Get(ctx, nil), "ConfigRefused")
	said := ""
	for _, p := range n.ports {
		said += cli(t, n.Rig, 0, "switch", "history", string(p.Switch), "--diff")
		cli(t, n.Rig, 0, "switch", "check", string(p.Switch), "--wait")
		atSwitch(t, n.Rig, p.Switch).commit(`<interface operation="delete"><name>et-0/0/49</name></interface>`)
	}
	require.Regexp(t, `refused xe-0/0/\d: .*et-0/0/49.*identical local address 198\.51\.100\.`, said)
	for _, m := range machines(t, n.Rig) {
		require.Contains(t, []string{"idle", "occupied"}, m.State, "machine %s: %s", m.ID, m.Reason)
		require.Equal(t, m.State == "occupied", m.Dirty, "machine %s was erased", m.ID)
	}
}

func (n *network) uplink(t *testing.T, id metal.SwitchID) string {
	t.Helper()
	var addresses strings.Builder
	running := labSwitch(t, n.Rig, id).Snapshot()
	for last := 0; last < 256; last += 2 {
		address := fmt.Sprintf("198.51.100.%d/31", last)
		if !strings.Contains(running, address) {
			fmt.Fprintf(&addresses, "<address><name>%s</name></address>", address)
		}
	}
	return "<interface><name>et-0/0/49</name><unit><name>0</name><family><inet>" + addresses.String() + "</inet></family></unit></interface>"
}
