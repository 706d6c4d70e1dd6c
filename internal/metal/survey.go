package metal

import (
	"net/netip"
	"strings"
	"time"
)

// Carried is what a switch has configured for one port, whoever wanted it so
// and whatever the records say.
type Carried struct {
	Port      Port
	Words     string         // its description: "millwright m7 <device>", or what somebody wrote
	Prefixes  []netip.Prefix // of the links on it, and of what is routed to its machine
	Announced []netip.Prefix // what BGP lets its machine announce: a loopback's addresses stand here alone
}

// Named is the device that a port's description names; empty for none. A
// description of ours is the mark, the machine, and the device or the profile.
func (c Carried) Named() DeviceID {
	words := strings.Fields(c.Words)
	if len(words) < 3 || words[0] != "millwright" || strings.Count(words[2], "-") != 4 {
		return ""
	}
	return DeviceID(words[2])
}

// FoundPower is what a BMC said when it was asked after a restore.
type FoundPower struct {
	Machine MachineID
	Power   Power     // empty: it did not say
	Kind    IssueKind // why not
	Problem string    // in its words
}

// Restored is a restore that somebody noted: the records are those of an earlier
// moment.
type Restored struct {
	ID       int64     `json:"id"`
	Since    time.Time `json:"since"` // the moment that the records are of
	NotedAt  time.Time `json:"noted_at"`
	By       string    `json:"by"`
	Over     time.Time `json:"over,omitzero"` // when nothing was in doubt any more
	Machines int       `json:"machines"`      // that are still in doubt
	Switches int       `json:"switches"`      // that were not read yet
}

// Doubt is what a site's survey has still to look at.
type Doubt struct {
	Switches []Switch
	Machines []BMC
}

// CallKind says what a survey found to differ from the records.
type CallKind string

const (
	MachineAside   CallKind = "machine-aside"   // in quarantine, its port left as it is
	DeviceGone     CallKind = "device-gone"     // it lives on no machine that anybody knows of
	InstalledSince CallKind = "installed-since" // its run was open, and has ended since
	AddressHeld    CallKind = "address-held"    // a port routes it, and the records gave it to nobody or to another
	GoesOn         CallKind = "goes-on"         // its run was open, and nothing says that it ended: it goes on
)

// Called is one thing that a survey calls out.
type Called struct {
	Kind     CallKind     `json:"kind"`
	Site     SiteID       `json:"site"`
	Machine  MachineID    `json:"machine,omitempty"`
	Port     string       `json:"port,omitempty"`
	Device   DeviceID     `json:"device,omitempty"`
	Prefix   netip.Prefix `json:"prefix,omitzero"`
	Evidence string       `json:"evidence"`
	Next     string       `json:"next"` // what a person does about it
	At       time.Time    `json:"at"`
}

// Surveyed counts what a look at a site came to.
type Surveyed struct {
	Agreed int // machines that are as the records say
	Called int // machines, devices and addresses that are not
	Doubt  int // machines and switches that are still to be looked at
}
