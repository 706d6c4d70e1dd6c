package metal

import (
	"encoding/json"
	"net/netip"
	"time"
)

// ProjectBlock is a block of a project, as its tenant sees it: a reservation, or
// what Millwright keeps for the links of the project's devices.
type ProjectBlock struct {
	ID      string
	Project ProjectID
	Prefix  netip.Prefix // invalid while it waits for an operator
	Family  int
	Bits    int
	Role    Role
	Own     bool // for links: nothing in it is the tenant's to assign
	State   ReservationState
	Site    SiteID // empty for anycast
	Metro   string
	Since   time.Time
	Words
}

// Words are what a tenant says of something that is its own.
type Words struct {
	Details    string
	Tags       []string
	CustomData json.RawMessage // an object; empty: {}
}
