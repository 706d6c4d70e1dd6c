package netconf

import (
	"fmt"
	"net/netip"
	"time"
)

// Neighbor is who sends LLDP to one of the switch's interfaces.
type Neighbor struct {
	Port       string // "xe-0/0/7"
	Chassis    string // MAC
	RemoteID   string // its port's ID: a MAC, or a name
	RemoteName string // its port's description
	System     string
}

// SetNeighbors says whom the switch hears from now on.
func (s *Switch) SetNeighbors(all ...Neighbor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.neighbors = all
}

// lldpInformation answers get-lldp-neighbors-information.
func (s *Switch) lldpInformation() *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := branch("lldp-neighbors-information")
	for _, n := range s.neighbors {
		one := branch("lldp-neighbor-information",
			leaf("lldp-local-port-id", n.Port),
			leaf("lldp-local-parent-interface-name", "-"),
			leaf("lldp-remote-chassis-id-subtype", "Mac address"),
			leaf("lldp-remote-chassis-id", n.Chassis))
		for tag, text := range map[string]string{
			"lldp-remote-port-id": n.RemoteID, "lldp-remote-port-description": n.RemoteName, "lldp-remote-system-name": n.System,
		} {
			if text != "" { // Junos leaves out what it does not know
				one.children = append(one.children, leaf(tag, text))
			}
		}
		list.children = append(list.children, one)
	}
	return list
}

// Peer is how a BGP neighbour of the switch stands.
type Peer struct {
	State    string // "Established"
	Since    time.Time
	Received int
	Accepted int
}

// SetPeer says how a neighbour stands from now on. A configured one of which
// nothing was said is Active.
func (s *Switch) SetPeer(address netip.Addr, p Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers[address] = p
}

// bgpInformation answers get-bgp-summary-information: what the running
// configuration names, and nothing else.
func (s *Switch) bgpInformation() *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := branch("bgp-information")
	for _, g := range s.running.at("protocols", "bgp").all("group") {
		for _, n := range g.all("neighbor") {
			if address, err := netip.ParseAddr(n.key()); err == nil {
				list.children = append(list.children, s.peer(address, g.child("peer-as").value()))
			}
		}
	}
	return list
}

// peer is one neighbour as Junos shows it: with its port where it is up.
func (s *Switch) peer(address netip.Addr, as string) *node {
	p, said := s.peers[address]
	if !said {
		p = Peer{State: "Active"}
	}
	text := address.String()
	if p.State == "Established" {
		text += "+40179"
	}
	one := branch("bgp-peer", leaf("peer-address", text), leaf("peer-as", as))
	if !p.Since.IsZero() {
		elapsed := leaf("elapsed-time", "1d 0:00:00")
		elapsed.seconds = fmt.Sprint(int(time.Since(p.Since).Seconds()))
		one.children = append(one.children, elapsed)
	}
	one.children = append(one.children, leaf("peer-state", p.State))
	if p.State == "Established" {
		one.children = append(one.children, branch("bgp-rib",
			leaf("name", "inet.0"),
			leaf("received-prefix-count", fmt.Sprint(p.Received)),
			leaf("accepted-prefix-count", fmt.Sprint(p.Accepted))))
	}
	return one
}
