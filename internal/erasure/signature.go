package erasure

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// ErrNotGenuine says that a certificate was not signed by the key that it is
// checked with, or was changed since. No retry mends it.
var ErrNotGenuine = errors.New("not signed by this key")

// Signed is a certificate with its signature. Payload is the signed text
// itself, so that a check needs no knowledge of how it is written.
type Signed struct {
	Payload   string `json:"payload"`
	Key       string `json:"key"`       // PublicKey.ID
	Signature []byte `json:"signature"` // base64 in JSON
}

// Key signs certificates. It prints as its ID, whatever the verb. The key itself
// is only in a closure: within another type's unexported field, where fmt calls
// no method, that prints as an address.
type Key struct {
	sign   func(message []byte) []byte
	public PublicKey
}

// PublicKey checks them.
type PublicKey struct{ public ed25519.PublicKey }

// LoadKey reads a private key from a PEM file. No error says what is in it.
func LoadKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("load the key that signs erasures: %w", err)
	}
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("load the key that signs erasures from %s: %w", path, err)
	}
	return key, nil
}

// ParseKey reads a private key, PKCS #8 in PEM, as "openssl genpkey -algorithm
// ed25519" writes it.
func ParseKey(text []byte) (Key, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return Key{}, errors.New("no PEM block PRIVATE KEY (make one with: openssl genpkey -algorithm ed25519)")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		// The parser's own words may quote what it read.
		return Key{}, errors.New("not a PKCS #8 private key")
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, errors.New("a private key, but not of Ed25519 (make one with: openssl genpkey -algorithm ed25519)")
	}
	return Key{
		sign:   func(message []byte) []byte { return ed25519.Sign(private, message) },
		public: PublicKey{private.Public().(ed25519.PublicKey)},
	}, nil
}

// Format prints the ID alone, so that no log line or error shows the key.
func (k Key) Format(state fmt.State, _ rune) {
	if k.sign == nil {
		fmt.Fprint(state, "no key")
		return
	}
	fmt.Fprint(state, "key ", k.Public().ID())
}

// Public is the half that everybody may have.
func (k Key) Public() PublicKey {
	return k.public
}

// Sign signs what the certificate says, and refuses one that does not say that
// a disk of a machine was erased and how that is known.
func (k Key) Sign(c Certificate) (Signed, error) {
	if k.sign == nil {
		return Signed{}, errors.New("sign a certificate: no key loaded")
	}
	if err := c.validate(); err != nil {
		return Signed{}, fmt.Errorf("sign: %w", err)
	}
	payload, err := c.Canonical()
	if err != nil {
		return Signed{}, err
	}
	return Signed{Payload: string(payload), Key: k.Public().ID(), Signature: k.sign(payload)}, nil
}

// ParsePublicKey reads what PEM writes.
func ParsePublicKey(text []byte) (PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return PublicKey{}, errors.New("no PEM block PUBLIC KEY")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, errors.New("not a PKIX public key")
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, errors.New("a public key, but not of Ed25519")
	}
	return PublicKey{public}, nil
}

// der cannot go wrong for a key of the right length, which both makers ensure.
func (p PublicKey) der() []byte {
	der, _ := x509.MarshalPKIXPublicKey(p.public)
	return der
}

// ID names the key: the SHA-256 of its DER form in lower-case hex.
func (p PublicKey) ID() string {
	sum := sha256.Sum256(p.der())
	return hex.EncodeToString(sum[:])
}

// PEM is the key as openssl reads it.
func (p PublicKey) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: p.der()})
}

// Verify gives the certificate if this key signed it and nobody changed it.
func (p PublicKey) Verify(s Signed) (Certificate, error) {
	if len(p.public) != ed25519.PublicKeySize {
		return Certificate{}, errors.New("verify a certificate: no public key loaded")
	}
	if s.Key != p.ID() {
		return Certificate{}, fmt.Errorf("verify with key %s: signed by key %.64q: %w", p.ID(), s.Key, ErrNotGenuine)
	}
	if !ed25519.Verify(p.public, []byte(s.Payload), s.Signature) {
		return Certificate{}, fmt.Errorf("verify with key %s: signature does not match: %w", p.ID(), ErrNotGenuine)
	}
	return parse([]byte(s.Payload))
}
