package api

import (
	"crypto/sha256"
	"net/netip"

	"github.com/google/uuid"

	"millwright/internal/metal"
)

// assignmentID is the ID of an address of a device, the same each time it is
// asked for: a UUID (version 8, RFC 9562) made of the device and the prefix that
// it holds. An address that goes to another device is another assignment. The
// database finds it again: assignment_id in schema/0017.
func assignmentID(prefix netip.Prefix, device metal.DeviceID) string {
	sum := sha256.Sum256([]byte(string(device) + " " + prefix.String()))
	return madeUUID(sum[:])
}

// blockID is that of a block that a project has for its devices' links.
func blockID(prefix netip.Prefix) string {
	sum := sha256.Sum256([]byte("block " + prefix.String()))
	return madeUUID(sum[:])
}

func madeUUID(sum []byte) string {
	var id uuid.UUID
	copy(id[:], sum)
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // variant 10
	return id.String()
}
