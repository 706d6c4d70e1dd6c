package netconf

import (
	"slices"
	"strconv"
)

// Receive counts octets that a machine sent into a port.
func (s *Switch) Receive(port string, octets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.octets[port] += uint64(octets)
}

// Restart sets every counter to zero, as a switch does that boots.
func (s *Switch) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.octets)
}

// interfaceInformation answers get-interface-information at its level "detail",
// with the elements that carry counters. As on Junos each interface has its
// units below it, with counters of their own, and the switch's own interfaces
// have none.
func (s *Switch) interfaceInformation() *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := branch("interface-information")
	names := make([]string, 0, len(s.ports))
	for name := range s.ports {
		names = append(names, name)
	}
	for name := range s.octets {
		if _, configured := s.ports[name]; !configured {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		octets := strconv.FormatUint(s.octets[name], 10)
		list.children = append(list.children, branch("physical-interface", leaf("name", name), leaf("admin-status", "up"),
			branch("traffic-statistics", leaf("input-bytes", octets), leaf("input-bps", "0"), leaf("output-bytes", "0")),
			branch("logical-interface", leaf("name", name+".0"),
				branch("traffic-statistics", leaf("input-bytes", octets), leaf("output-bytes", "0")))))
	}
	list.children = append(list.children, branch("physical-interface", leaf("name", "lsi"), leaf("admin-status", "up")))
	return list
}
