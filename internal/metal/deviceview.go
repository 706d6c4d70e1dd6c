package metal

import (
	"encoding/json"
	"time"
)

// DeviceView is a device with all that its tenant may know of it.
type DeviceView struct {
	ID           DeviceID
	Organization OrganizationID // empty where only a billing system knows the project
	Project      ProjectID
	Site         Site
	Plan         Plan
	System       OperatingSystem
	Hostname     string
	Description  string
	Tags         []string
	State        DeviceState
	BillingCycle string
	Locked       bool
	Frozen       bool // its network
	ScriptURL    string
	AlwaysPXE    bool
	UserData     []byte
	CustomData   json.RawMessage // an object
	Storage      json.RawMessage // an object; nil: the default
	SSHKeys      []string        // authorized_keys lines
	KeyIDs       []string        // which keys they were taken from
	Reservation  string          // of hardware; empty for none
	Batch        string
	Creator      User      // an ID alone where it was ordered past the API
	Created      time.Time // when it was ordered
	Changed      time.Time
	TerminateAt  time.Time // zero: never
	Machine      MachineID // empty while it has none
	Switch       SwitchID  // of the machine's first port
	Assignments  []Assignment
	Steps        []Event // of its last provision or reinstall
}

// DeviceFilter says which devices of a project, or of an organization, a list
// has. What is empty does not matter.
type DeviceFilter struct {
	Project       ProjectID
	Organization  OrganizationID
	Batch         string
	Search        string // in names, tags, IDs, addresses
	Hostname, Tag string
	State         string
	MAC           string
	Sites         []SiteID // empty and not nil: none
	Reserved      *bool
	Terminates    *bool
	Sort          string // "hostname", "updated_at"; else by age
	Descending    bool
}
