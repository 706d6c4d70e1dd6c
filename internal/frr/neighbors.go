package frr

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"

	"millwright/internal/metal"
)

// lldp is what "lldpcli -f json0" prints: the format in which a thing is a list
// whether there is one of it or more.
type lldp struct {
	LLDP []struct {
		Interface []struct {
			Name    string `json:"name"`
			Chassis []struct {
				Name []lldpValue `json:"name"`
			} `json:"chassis"`
			Port []struct {
				ID []lldpValue `json:"id"`
			} `json:"port"`
		} `json:"interface"`
	} `json:"lldp"`
}

type lldpValue struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// lldpNeighbors asks lldpd where it runs: its socket is Debian's.
const lldpNeighbors = `[ -S /run/lldpd.socket ] || exit 0
lldpcli -f json0 show neighbors`

// Neighbors says whom the switch hears by LLDP, as its lldpd knows. A switch
// on which lldpd does not run hears nobody.
func (d *Driver) Neighbors(ctx context.Context, sw metal.Switch) ([]metal.Neighbor, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	text, err := s.run("read LLDP neighbours", lldpNeighbors)
	if err != nil || strings.TrimSpace(text) == "" {
		return nil, err
	}
	var heard lldp
	if err := json.Unmarshal([]byte(text), &heard); err != nil {
		return nil, fmt.Errorf("switch %s: read LLDP neighbours: %w", sw.ID, err)
	}
	return heard.neighbors(sw.ID), nil
}

func (h lldp) neighbors(sw metal.SwitchID) []metal.Neighbor {
	var all []metal.Neighbor
	for _, l := range h.LLDP {
		for _, i := range l.Interface {
			n := metal.Neighbor{Port: metal.Port{Switch: sw, Name: i.Name}}
			for _, c := range i.Chassis {
				n.System = first(c.Name).Value
			}
			for _, p := range i.Port {
				n.Remote = first(p.ID).Value
				if mac, err := net.ParseMAC(n.Remote); err == nil && first(p.ID).Type == "mac" {
					n.MAC = mac.String()
				}
			}
			all = append(all, n)
		}
	}
	return all
}

// first is the first of a list, or nothing.
func first(values []lldpValue) lldpValue {
	if len(values) == 0 {
		return lldpValue{}
	}
	return values[0]
}
