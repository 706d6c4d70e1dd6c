package junos

import (
	"context"
	"strconv"

	"millwright/internal/metal"
)

// Counters are the octets that came in at each of the switch's interfaces since
// it began to count: what a machine sent, framing and all. A bundle counts for
// its members. "detail" is the least level of this operation that has totals;
// below it there are rates alone.
func (d *Driver) Counters(ctx context.Context, sw metal.Switch) ([]metal.Counter, error) {
	s, err := d.open(ctx, sw)
	if err != nil {
		return nil, err
	}
	defer s.close()
	reply, err := s.rpc(branch("get-interface-information", bare("detail")))
	if err != nil {
		return nil, err
	}
	var all []metal.Counter
	for _, i := range reply.child("interface-information").all("physical-interface") {
		octets, err := strconv.ParseUint(i.child("traffic-statistics").child("input-bytes").value(), 10, 64)
		if name := i.child("name").value(); err == nil && name != "" { // interfaces of the switch's own have no totals
			all = append(all, metal.Counter{Port: name, Octets: octets})
		}
	}
	return all, nil
}
