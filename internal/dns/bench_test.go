package dns_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"millwright/internal/dns/dnstest"
	"millwright/internal/metal"
)

// BenchmarkNamesMadeAndTakenAway counts pairs of a Set and a Remove, with as
// many at once as a driver lets in, on one thread of named.
func BenchmarkNamesMadeAndTakenAway(b *testing.B) {
	server := dnstest.Start(b, names)
	d, zone := driver(server), server.Zone(names)
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			owner := metal.Holder(fmt.Sprintf("device/%d", n.Add(1)))
			r := metal.Record{Name: fmt.Sprintf("m%d.acme.%s", n.Add(1), names), Addresses: addrs("192.0.2.1", "2001:db8::1"), Owner: owner}
			if err := d.Set(b.Context(), zone, r); err != nil {
				b.Error(err)
			}
			if err := d.Remove(b.Context(), zone, r.Name, owner); err != nil {
				b.Error(err)
			}
		}
	})
}
