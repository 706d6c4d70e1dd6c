package metal

import (
	"net/netip"
	"time"
)

// ReservationHolder begins the holder that owns the names of a reservation's
// addresses.
const ReservationHolder = "reservation/"

// Naming is what an owner's names should be, and which it has or may have.
type Naming struct {
	Owner   Holder
	Due     time.Time // since when they may differ; zero: they do not
	Zones   []Zone    // of the owner's site, and of all
	Project ProjectID

	Hostname  string       // of a device that is to have a name; empty: none
	Device    DeviceID     // of a device
	Addresses []netip.Addr // that are to have names; none: all names go

	Pointers map[netip.Addr]string // names that the project chose for addresses of its own
	Recorded []ZoneName            // made earlier, or perhaps made
}

// ZoneName is a name in a zone that was made for an owner, or perhaps made: it
// is written down before the server is asked.
type ZoneName struct {
	Zone    string
	Name    string
	Address netip.Addr // of a PTR; else invalid
	Target  string     // of a PTR
}
