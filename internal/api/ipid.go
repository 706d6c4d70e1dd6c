package api

import (
	"net/netip"

	"millwright/internal/metal"
)

// assignmentID is the ID of an address of a device, the same each time it is
// asked for: it follows from the device and the prefix that it holds. An address
// that goes to another device is another assignment. The database finds it by
// the same rule, assignment_id of schema/0017.
func assignmentID(prefix netip.Prefix, device metal.DeviceID) string {
	return stableID("assignment", string(device)+" "+prefix.String())
}

// blockID is that of a block that a project has for its devices' links.
func blockID(prefix netip.Prefix) string { return stableID("block", prefix.String()) }
