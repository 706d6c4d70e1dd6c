package signin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
)

// random is a secret of 32 bytes that fits a header and a URL.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// secretForm is what random makes, and S256 of RFC 7636.
var secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

func hashed(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Challenge is how PKCE hides a verifier (RFC 7636 section 4.2).
func Challenge(verifier string) string {
	return base64.RawURLEncoding.EncodeToString(hashed(verifier))
}

// derived makes one secret of two others, of which only a browser has the first.
func derived(cookie, what, state string) string {
	mac := hmac.New(sha256.New, []byte(cookie))
	_, _ = mac.Write([]byte(what + "\n" + state))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
