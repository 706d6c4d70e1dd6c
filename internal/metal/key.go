package metal

import (
	"crypto/rand"
	"encoding/base64"
	"time"
)

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

// APIKey is what opens the API to a user or a project. The key itself is shown
// once, and kept nowhere.
type APIKey struct {
	ID          KeyID
	User        UserID    // whose it is;
	Project     ProjectID // one of the two
	Description string
	ReadOnly    bool
	Session     bool // made by a sign-in
	Maker       UserID
	Created     time.Time
	Expires     time.Time // zero: never
	Used        time.Time // to the minute; zero: never
}

// keyPrefix lets a key be known for what it is where it should not be: in a
// repository, in a log.
const keyPrefix = "mw_"

// NewAPIKey makes a key that nobody guesses: 32 random bytes.
func NewAPIKey() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return keyPrefix + base64.RawURLEncoding.EncodeToString(secret)
}
