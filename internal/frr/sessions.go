package frr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"millwright/internal/metal"
)

// bgpNeighbor is a neighbour in the words of "show bgp neighbors json".
type bgpNeighbor struct {
	Description string `json:"nbrDesc"`
	State       string `json:"bgpState"`
	Since       int64  `json:"bgpTimerUpEstablishedEpoch"` // 0 unless established
	Families    map[string]struct {
		Accepted int `json:"acceptedPrefixCounter"`
	} `json:"addressFamilyInfo"`
}

// prefixCounts are what "show bgp … prefix-counts json" says of a session.
type prefixCounts struct {
	Neighbor string `json:"prefixCountsFor"`
	Walked   struct {
		Heard int `json:"Adj-in"`
	} `json:"ribTableWalkCounters"`
}

// Sessions says how the BGP sessions of machines stand, by the switch's clock.
// It knows them by their descriptions, as Apply wrote them.
func (d *Driver) Sessions(ctx context.Context, sw metal.Switch) ([]metal.BGPSession, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	all, err := s.neighbors()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	heard, err := s.heard(slices.SortedFunc(maps.Keys(all), netip.Addr.Compare))
	if err != nil {
		return nil, err
	}
	var sessions []metal.BGPSession
	for _, machine := range slices.SortedFunc(maps.Keys(all), netip.Addr.Compare) {
		n := all[machine]
		session := metal.BGPSession{
			Port:    metal.Port{Switch: sw.ID, Name: strings.TrimPrefix(n.Description, mark+" ")},
			Machine: machine, State: n.State, Received: heard[machine],
		}
		if n.Since > 0 {
			session.Since = time.Unix(n.Since, 0)
		}
		for _, f := range n.Families {
			session.Accepted += f.Accepted
		}
		sessions = append(sessions, session)
	}
	return sessions, nil
}

// neighbors are those that are Millwright's.
func (s *shell) neighbors() (map[netip.Addr]bgpNeighbor, error) {
	text, err := s.run("read BGP sessions", "vtysh -c 'show bgp neighbors json'")
	if err != nil {
		return nil, err
	}
	if strings.Contains(text, "BGP instance not found") {
		return nil, nil // nobody ever peered here
	}
	// Among the neighbours, FRR has things that are none.
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("switch %s: read BGP sessions: %w", s.sw.ID, err)
	}
	ours := map[netip.Addr]bgpNeighbor{}
	for name, raw := range all {
		machine, err := netip.ParseAddr(name)
		if err != nil {
			continue
		}
		var n bgpNeighbor
		if err := json.Unmarshal(raw, &n); err != nil {
			return nil, fmt.Errorf("switch %s: read BGP session of %s: %w", s.sw.ID, machine, err)
		}
		if strings.HasPrefix(n.Description, mark+" ") {
			ours[machine] = n
		}
	}
	return ours, nil
}

// heard counts the prefixes that each machine announced, accepted or not.
func (s *shell) heard(machines []netip.Addr) (map[netip.Addr]int, error) {
	var script strings.Builder
	script.WriteString("vtysh")
	for _, m := range machines {
		family := "ipv6"
		if m.Is4() {
			family = "ipv4"
		}
		fmt.Fprintf(&script, " -c 'show bgp %s unicast neighbors %s prefix-counts json'", family, m)
	}
	text, err := s.run("count announced prefixes", script.String())
	if err != nil {
		return nil, err
	}
	counts := map[netip.Addr]int{}
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var c prefixCounts
		if err := d.Decode(&c); errors.Is(err, io.EOF) {
			return counts, nil
		} else if err != nil {
			return nil, fmt.Errorf("switch %s: count announced prefixes: %w", s.sw.ID, err)
		}
		if m, err := netip.ParseAddr(c.Neighbor); err == nil {
			counts[m] = c.Walked.Heard
		}
	}
}
