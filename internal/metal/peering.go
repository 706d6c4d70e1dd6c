package metal

import (
	"net/netip"
	"time"
)

// Peering is a BGP session that a tenant wants for its device, and how it
// stands.
type Peering struct {
	ID           string
	Device       DeviceID
	Project      ProjectID
	Family       int    // 4 or 6
	DefaultRoute bool   // the tenant asked for one; switches offer it to whoever peers
	State        string // in the words of RFC 4271, as its switch last said; empty: not asked yet
	Received     int    // prefixes heard
	Opened       time.Time
	Seen         time.Time // when its switch was asked; zero: never
}

// ProjectBGP is what a project may do with BGP.
type ProjectBGP struct {
	Project    ProjectID
	Deployment string // local or global
	AS         uint32 // of the project's devices
	Keyed      bool   // sessions have an MD5 key, which operators keep
	UseCase    string // why, in the tenant's words
	Enabled    time.Time
}

// Peer is how a device has to configure one of its sessions.
type Peer struct {
	Family       int
	DefaultRoute bool
	MachineAS    uint32
	SwitchAS     uint32
	Machine      netip.Addr   // where the device speaks from
	Switch       []netip.Addr // where its switch listens; more than one hop away, for BGP
	Keyed        bool
	Announce     []netip.Prefix // what is accepted, whole or in parts
}

// Deployments of BGP.
const (
	LocalBGP  = "local"  // the site's switches alone see the AS number, which is private
	GlobalBGP = "global" // the AS number is the tenant's own
)

// CheckAS says what is wrong with an AS number for a deployment; nothing where
// it fits. Which numbers are nobody's say RFC 7607, 6793 and 7300, and which are
// private RFC 6996.
func CheckAS(deployment string, as int64) (wrong string) {
	private := as >= 64512 && as <= 65534 || as >= 4200000000 && as <= 4294967294
	switch {
	case as < 1 || as > 4294967294 || as == 23456 || as == 65535:
		return "is no AS number that can be used"
	case deployment == LocalBGP && !private:
		return "is not private; a local deployment wants one of 64512 to 65534, or 4200000000 to 4294967294"
	case deployment == GlobalBGP && private:
		return "is private; a global deployment wants the tenant's own"
	}
	return ""
}
