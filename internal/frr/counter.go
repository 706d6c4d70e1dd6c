package frr

import (
	"context"
	"encoding/json"
	"fmt"

	"millwright/internal/metal"
)

// kernelCount is an interface's counters in the words of "ip -s -j link".
type kernelCount struct {
	Name  string `json:"ifname"`
	Stats struct {
		RX struct {
			Bytes uint64 `json:"bytes"`
		} `json:"rx"`
	} `json:"stats64"`
}

// Counters are the octets that came in at each of the switch's interfaces since
// it began to count: what a machine sent, filtered or not. A bond counts for its
// members.
func (d *Driver) Counters(ctx context.Context, sw metal.Switch) ([]metal.Counter, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	text, err := s.run("read its counters", "ip -s -j link show")
	if err != nil {
		return nil, err
	}
	var links []kernelCount
	if err := json.Unmarshal([]byte(text), &links); err != nil {
		return nil, fmt.Errorf("switch %s: read its counters: %w", sw.ID, err)
	}
	all := make([]metal.Counter, len(links))
	for i, l := range links {
		all[i] = metal.Counter{Port: l.Name, Octets: l.Stats.RX.Bytes}
	}
	return all, nil
}
