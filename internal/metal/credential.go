package metal

import "time"

// Names of credentials that are no files on a worker's disk, but sealed rows.
// Files have no slash in their names, so neither is taken for the other.
const (
	bmcPrefix       = "bmc/"
	nextBMCPrefix   = "bmc-next/"
	enrolmentPrefix = "enrolment/"
)

// BMCCredential names the password that we gave a machine's BMC.
func BMCCredential(m MachineID) string { return bmcPrefix + string(m) }

// NextBMCCredential names the password that a machine's BMC is being given. Until
// that is over the BMC has either.
func NextBMCCredential(m MachineID) string { return nextBMCPrefix + string(m) }

// EnrolmentCredential names the password with which a BMC was handed in.
func EnrolmentCredential(enrolment string) string { return enrolmentPrefix + enrolment }

// SealedCredential is what the store has of a machine's BMC: ciphertexts, of
// which at least one is there, unless nothing is known.
type SealedCredential struct {
	Sealed    []byte // that works
	Next      []byte // that is being set
	RotatedAt time.Time
}

// SealedRow is one ciphertext of the store, wherever it lies.
type SealedRow struct {
	Name   string // of the credential; what it was sealed for
	Next   bool   // the one that is being set
	Sealed []byte
}
