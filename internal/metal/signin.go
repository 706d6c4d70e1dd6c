package metal

import (
	"errors"
	"time"
)

// Sentinels of signing in, none of which a retry can mend.
var (
	ErrDisabled = errors.New("the user is disabled")
	ErrTaken    = errors.New("the address is another's") // somebody else signed in with it before
)

// SignIn is somebody on the way to a sign-in provider and back. Of what the
// browser carries only hashes are kept.
type SignIn struct {
	State     []byte // SHA-256 of what the provider hands back
	Browser   []byte // SHA-256 of the browser's cookie
	Loopback  string // where the command line listens; empty: a page shows the key
	Challenge string // SHA-256 of what the command line will prove itself with, in base64url
}

// SignInCode is what a browser hands to the command line, which changes it for
// a key, once.
type SignInCode struct {
	Code      []byte // its SHA-256
	Challenge string
	User      UserID
}

// Identity is who somebody is, in the words of a sign-in provider that has
// verified the address.
type Identity struct {
	Issuer, Subject string
	Email           string // in lower case
	Name            string
}

// Session is a key that ends by itself, as it is kept.
type Session struct {
	Key      KeyID
	User     UserID
	Hash     []byte // SHA-256 of the key
	Lifetime time.Duration
}
