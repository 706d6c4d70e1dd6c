package metal

import "time"

// SSHKey is a public key that a user or a project keeps here, to have it put
// on devices.
type SSHKey struct {
	ID          SSHKeyID
	User        UserID    // whose it is;
	Project     ProjectID // one of the two
	Label       string
	Key         string // a line of authorized_keys, without conditions
	Fingerprint string // MD5 with colons, as the API's clients compare it
	Tags        []string
	Created     time.Time
	Changed     time.Time
}

// SSHKeyChange is what becomes of an SSH key; nil leaves something as it is.
// The fingerprint comes with the key.
type SSHKeyChange struct {
	Label, Key, Fingerprint *string
	Tags                    []string
}
