package metadata

import (
	"strings"

	"millwright/internal/metal"
)

// Wiring is how a machine's NICs are cabled, as its system has to know it.
type Wiring int

const (
	Single      Wiring = iota // one NIC
	Bundle                    // NICs that are one LACP bundle: one routed port
	Independent               // each NIC at a switch of its own
)

// WiringOf reads a machine's wiring off what its device was given: a loopback
// address is only leased where ports are several, so NICs without one share a
// port. A bundle of one NIC is told by its name: its switch speaks LACP, too.
func WiringOf(m metal.BootMachine) Wiring {
	if m.Tenancy != nil {
		for _, l := range m.Tenancy.Leases {
			if loopback(l) {
				return Independent
			}
		}
	}
	if len(m.MACs) > 1 || strings.HasPrefix(m.Port.Name, "ae") || strings.HasPrefix(m.Port.Name, "bond") {
		return Bundle
	}
	return Single
}

// loopback tells a device's own address from a link; elastic addresses are
// neither.
func loopback(l metal.Lease) bool { return l.Prefix.IsSingleIP() && !l.Elastic }
