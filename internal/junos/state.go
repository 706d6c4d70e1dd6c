package junos

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"millwright/internal/metal"
)

// Neighbors says whom the switch hears on its interfaces.
func (d *Driver) Neighbors(ctx context.Context, sw metal.Switch) ([]metal.Neighbor, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	reply, err := s.rpc(bare("get-lldp-neighbors-information"))
	if err != nil {
		return nil, err
	}
	var heard []metal.Neighbor
	for _, n := range reply.child("lldp-neighbors-information").all("lldp-neighbor-information") {
		if port := localPort(n); port != "" {
			heard = append(heard, neighbor(metal.Port{Switch: sw.ID, Name: port}, n))
		}
	}
	return heard, nil
}

// localPort is the interface, without its unit. Its tag has another name on
// switches with the newer layer 2 software than on those with the older.
func localPort(n *element) string {
	name := n.child("lldp-local-port-id").value()
	if name == "" {
		name = n.child("lldp-local-interface").value()
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

func neighbor(port metal.Port, n *element) metal.Neighbor {
	id, described := n.child("lldp-remote-port-id").value(), n.child("lldp-remote-port-description").value()
	found := metal.Neighbor{Port: port, System: n.child("lldp-remote-system-name").value(), Remote: id, MAC: mac(id)}
	if described != "" && (id == "" || found.MAC != "") {
		found.Remote = described // "eth0", where the ID is that interface's MAC
	}
	return found
}

// mac is a MAC address as metal writes it, or "".
func mac(text string) string {
	hardware, err := net.ParseMAC(text)
	if err != nil || len(hardware) != 6 {
		return ""
	}
	return hardware.String()
}

// Sessions says how the sessions of tenants' machines stand. Those that the
// configuration names and the switch's BGP does not yet are Idle.
func (d *Driver) Sessions(ctx context.Context, sw metal.Switch) ([]metal.BGPSession, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	running, err := s.read("running", branch("configuration", branch("protocols", bare("bgp"))))
	if err != nil {
		return nil, err
	}
	configured := peers(sw, running)
	if len(configured) == 0 {
		return nil, nil
	}
	reply, err := s.rpc(bare("get-bgp-summary-information"))
	if err != nil {
		return nil, err
	}
	return observed(configured, reply.child("bgp-information"), time.Now()), nil
}

// peers are the sessions that the ports' groups configure. The port stands at
// the end of its group's description: the group's name has it without slashes.
func peers(sw metal.Switch, running *element) []metal.BGPSession {
	var found []metal.BGPSession
	for _, g := range running.at("protocols", "bgp").all("group") {
		words := strings.Fields(g.child("description").value())
		if len(words) == 0 || g.key() != owned(words[len(words)-1], "") {
			continue
		}
		port := metal.Port{Switch: sw.ID, Name: words[len(words)-1]}
		for _, n := range g.all("neighbor") {
			if machine, err := netip.ParseAddr(n.key()); err == nil {
				found = append(found, metal.BGPSession{Port: port, Machine: machine, State: "Idle"})
			}
		}
	}
	return found
}

// observed fills in what the switch's BGP says of each.
func observed(sessions []metal.BGPSession, information *element, now time.Time) []metal.BGPSession {
	seen := map[netip.Addr]*element{}
	for _, p := range information.all("bgp-peer") {
		// A peer that is up has its port after its address: "10.64.0.7+45231".
		text, _, _ := strings.Cut(p.child("peer-address").value(), "+")
		if address, err := netip.ParseAddr(text); err == nil {
			seen[address] = p
		}
	}
	for i := range sessions {
		if p := seen[sessions[i].Machine]; p != nil {
			observe(&sessions[i], p, now)
		}
	}
	return sessions
}

func observe(session *metal.BGPSession, peer *element, now time.Time) {
	if state := peer.child("peer-state").value(); state != "" {
		session.State = state
	}
	if elapsed := peer.child("elapsed-time"); elapsed != nil {
		if seconds, err := strconv.ParseInt(elapsed.seconds, 10, 32); err == nil && seconds >= 0 {
			session.Since = now.Add(-time.Duration(seconds) * time.Second)
		}
	}
	for _, rib := range peer.all("bgp-rib") {
		session.Received += count(rib, "received-prefix-count")
		session.Accepted += count(rib, "accepted-prefix-count")
	}
}

func count(rib *element, tag string) int {
	n, err := strconv.Atoi(rib.child(tag).value())
	if err != nil || n < 0 {
		return 0
	}
	return n
}
