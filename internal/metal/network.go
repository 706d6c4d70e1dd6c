package metal

import (
	"net/netip"
	"time"
)

// BGP is what a machine may announce to its switch, and how they peer. A
// session is multihop: the machine peers with the switch's well-known
// addresses, so that its configuration is the same in every rack.
type BGP struct {
	LocalAS  uint32         // the switch's side
	PeerAS   uint32         // the machine's side: the site's private AS, or the tenant's own
	Switch   []netip.Addr   // where the switch listens; at most one of each family
	Machine  []netip.Addr   // where the machine speaks from; one of each family that peers
	Secret   string         // name of the credential that holds the MD5 key (RFC 2385); empty for none
	Announce []netip.Prefix // may be announced, whole or in parts; nothing else is accepted
	Limit    int            // prefixes accepted in a session; beyond, it goes down
}

// Change is what one commit on a switch shall bring about.
type Change struct {
	Ports   []PortIntent
	Comment string // who and why, for the switch's own history
}

// Committed says what became of a change, port by port. A port that is in
// neither list was as intended already.
type Committed struct {
	Changed []Port          // now as intended, read back
	Refused map[Port]string // left as they were, or shut where that was not safe; each with the switch's words
	Diff    string          // what changed, as an operator of this switch would read it; no secrets
}

// PortOutcome is what a switch made of a port, as of which generation.
type PortOutcome struct {
	Applied int64  // read back as of it
	Refused int64  // left out as of it; 0 for none
	Why     string // in the switch's words
}

// Drift is a port that is not as intended.
type Drift struct {
	Port Port
	Diff string // from what is to what should be; no secrets
}

// Neighbor is who a switch hears on one of its interfaces by LLDP (IEEE
// 802.1AB).
type Neighbor struct {
	Port   Port   // the physical interface
	System string // the neighbour's name; empty where it gives none
	Remote string // the neighbour's own word for its port
	MAC    string // lower case with colons; empty where its port ID is no MAC
}

// BGPSession is how a session of a tenant's machine stands, as the switch sees
// it.
type BGPSession struct {
	Port     Port
	Machine  netip.Addr // the neighbour
	State    string     // in the words of RFC 4271: Idle, Connect, Active, OpenSent, OpenConfirm, Established
	Since    time.Time  // of the state; zero where the switch does not say
	Received int        // prefixes heard
	Accepted int        // prefixes within what may be announced
}

// LockHolder is who keeps a switch's configuration locked.
type LockHolder struct {
	Session string
	User    string
	Since   time.Time // zero where the switch does not say
}

// Cable is where a NIC should be: the machine's, on a physical port.
type Cable struct {
	Machine MachineID
	Port    Port
}

// Miscabling is a machine heard on another port than its own.
type Miscabling struct {
	Machine  MachineID
	Heard    Port // where it is
	Declared Port // where the site file says
}

// SwitchCheck is what a comparison of a switch with what should be found.
type SwitchCheck struct {
	Drifts      []Drift
	Miscablings []Miscabling
	Sessions    []BGPSession
}
