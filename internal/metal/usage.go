package metal

import (
	"fmt"
	"net/netip"
	"time"
)

// UsageKind is what somebody pays for.
type UsageKind string

// Kinds of usage. What a hardware reservation keeps is paid for beside the
// device on it, whose record names the reservation: prices say what counts.
const (
	DeviceUsage   UsageKind = "device"
	AddressUsage  UsageKind = "address"
	HardwareUsage UsageKind = "hardware"
	EgressUsage   UsageKind = "egress"
)

// UsageRecord is one thing that was used, cut to the period that was asked for.
type UsageRecord struct {
	Kind         UsageKind
	Number       string // of the row that it is from
	Organization OrganizationID
	Project      ProjectID
	Site         SiteID // empty: addresses of every site
	Thing        string // the device, or the reservation
	Hostname     string // the device's, as it is called now
	Plan         PlanID
	Prefix       netip.Prefix // of addresses
	Reservation  string       // the hardware reservation that a device was ordered onto
	Since, Until time.Time    // whole seconds
	Octets       uint64       // from the device, of egress
	Open         bool         // it goes on, and the period does
}

// ID is the same whenever the record's period is asked for, and no other
// record's.
func (r UsageRecord) ID() string {
	return fmt.Sprintf("%s/%s/%s", r.Kind, r.Number, r.Since.UTC().Format(time.RFC3339))
}

// Seconds are exact; those of a period's parts add up to it.
func (r UsageRecord) Seconds() int64 { return int64(r.Until.Sub(r.Since) / time.Second) }

// Count is how many of its units the record is about: addresses of IPv4, /64s
// of IPv6; else one.
func (r UsageRecord) Count() uint64 {
	switch bits := r.Prefix.Bits(); {
	case r.Kind != AddressUsage || bits < 1:
		return 1
	case r.Prefix.Addr().Is4():
		return 1 << (32 - bits)
	default:
		return 1 << max(64-bits, 0)
	}
}

// UsageAsk says of what and when usage is asked for. Empty names are all of
// them.
type UsageAsk struct {
	Since, Until time.Time // whole seconds
	Organization OrganizationID
	Project      ProjectID
	Device       DeviceID
}

// UsageReport answers a UsageAsk. One that is final never changes: whoever asks
// again gets the same.
type UsageReport struct {
	Since, Until time.Time
	Final        bool
	Records      []UsageRecord
}

// UsageFault is something that is paid for and not there, or the other way.
type UsageFault struct {
	Kind string `json:"kind"` // one of UsageFaultKinds
	What string `json:"what"`
}

// UsageFaultKinds are what a look for faults can find.
var UsageFaultKinds = []string{"not charged", "charged for nothing", "charged twice"}

// Counter is a switch's count of what a machine sent into a port.
type Counter struct {
	Port   string
	Octets uint64
}
