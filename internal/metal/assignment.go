package metal

import (
	"encoding/json"
	"net/netip"
	"time"
)

// Assignment is an address that a device has, as its tenant sees it: a link of
// its own, or elastic.
type Assignment struct {
	Lease
	Device      DeviceID
	Project     ProjectID
	Metro       string
	Block       netip.Prefix // what it is a part of: the project's own block, a pool of the site, a reservation
	Own         bool         // the block is the project's own
	Reservation string       // ID; empty unless the block is one
	Since       time.Time

	Details    string // the tenant's own words
	Tags       []string
	CustomData json.RawMessage // an object
}
