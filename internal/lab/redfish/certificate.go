package redfish

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"
)

// Fingerprint is the SHA-256 of the certificate that the BMC of this name
// presents, in lower-case hex. It is a function of the name alone, so that a
// site file can pin a BMC before it runs, and a lab that was restarted is
// still the lab that was pinned.
func Fingerprint(name string) string {
	sum := sha256.Sum256(certificate(name).Certificate[0])
	return hex.EncodeToString(sum[:])
}

// certificate derives key and certificate from the name. The key is no secret
// and need not be: it guards a laptop's lab. Ed25519 signs without randomness,
// hence the same bytes each time.
func certificate(name string) tls.Certificate {
	seed := sha256.Sum256([]byte("millwright lab " + name))
	key := ed25519.NewKeyFromSeed(seed[:])
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Millwright lab"}},
		// Fixed dates: a certificate dated "now" would have a new fingerprint each day.
		NotBefore:   time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:    time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		// Only a template that X.509 cannot express comes here, and it is written above.
		panic(fmt.Sprintf("certificate of BMC %q: %v", name, err))
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
