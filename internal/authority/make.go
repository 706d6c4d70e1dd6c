package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 365 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
	clockSkew     = time.Hour // of a machine that trusts us the minute we are made
)

// Made says what Make did.
type Made struct {
	Authority bool      // it is new: whoever trusted another one has to trust it
	Server    bool      // its certificate is new
	Names     []string  // that it is for
	Ends      time.Time // of the server's certificate
}

// Files of a folder.
func authorityFile(dir string) string { return filepath.Join(dir, "ca.pem") }
func authorityKey(dir string) string  { return filepath.Join(dir, "ca.key") }
func serverFile(dir string) string    { return filepath.Join(dir, "server.pem") }
func serverKey(dir string) string     { return filepath.Join(dir, "server.key") }

// Make makes an authority for some names in a folder, and a server's certificate
// for them. What is there stays, as long as it does: the server's certificate is
// made anew in its last thirty days. Safe to repeat.
func Make(dir string, names []string, now time.Time) (Made, error) {
	names, err := checked(names)
	if err != nil {
		return Made{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Made{}, fmt.Errorf("make the folder of a certificate authority: %w", err)
	}
	made := Made{Names: names}
	ca, err := theAuthority(dir, names, now, &made)
	if err != nil {
		return made, err
	}
	if err := fits(dir, ca.certificate, names, now); err != nil {
		return made, err
	}
	server, err := readPair(serverFile(dir), serverKey(dir))
	if err == nil && stillGood(server.certificate, ca.certificate, names, now) {
		made.Ends = server.certificate.NotAfter
		return made, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return made, err
	}
	made.Server = true // whatever else is there is half of what an earlier one wrote
	made.Ends, err = newServer(dir, ca, names, now)
	return made, err
}

// theAuthority is the one in the folder; a new one only where there was none.
func theAuthority(dir string, names []string, now time.Time, made *Made) (pair, error) {
	if _, err := os.Stat(authorityFile(dir)); errors.Is(err, fs.ErrNotExist) {
		made.Authority = true
		return newAuthority(dir, names, now)
	}
	ca, err := readPair(authorityFile(dir), authorityKey(dir))
	if err != nil {
		return ca, fmt.Errorf("the authority that clients trust: %w; bring its key back, or make another in a new --dir", err)
	}
	return ca, nil
}

// checked are names of hosts, in order. A constraint to a name lets its
// subdomains in, so that one of a single label would let half the world in.
func checked(names []string) ([]string, error) {
	all := make([]string, 0, len(names))
	for _, name := range names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if !strings.Contains(name, ".") || strings.ContainsAny(name, "*/: @") || net.ParseIP(name) != nil {
			return nil, fmt.Errorf("--name %q: want the name of a host, such as api.equinix.com", name)
		}
		all = append(all, name)
	}
	if len(all) == 0 {
		return nil, errors.New("--name: want at least one, such as api.equinix.com")
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// fits refuses an authority that cannot sign for these names: clients would have
// to trust another one, which nobody should do by the way.
func fits(dir string, ca *x509.Certificate, names []string, now time.Time) error {
	if !slices.Equal(ca.PermittedDNSDomains, names) {
		return fmt.Errorf("the authority in %s is for %s and not for %s; give --name as it was, or another --dir",
			dir, strings.Join(ca.PermittedDNSDomains, " "), strings.Join(names, " "))
	}
	if ca.NotAfter.Before(now.Add(serverLife)) {
		return fmt.Errorf("the authority in %s ends on %s, before a server's certificate would; make another in a new --dir, and have clients trust both meanwhile",
			dir, ca.NotAfter.Format(time.DateOnly))
	}
	return nil
}

func stillGood(server, ca *x509.Certificate, names []string, now time.Time) bool {
	have := slices.Sorted(slices.Values(server.DNSNames))
	return slices.Equal(have, names) && server.CheckSignatureFrom(ca) == nil && now.Add(renewBefore).Before(server.NotAfter)
}

func newAuthority(dir string, names []string, now time.Time) (pair, error) {
	_, everywhere4, _ := net.ParseCIDR("0.0.0.0/0")
	_, everywhere6, _ := net.ParseCIDR("::/0")
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Millwright private authority for " + names[0] + ", " + now.Format(time.DateOnly)},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		// Whoever steals its key is these names, to those who trust it, and nobody else.
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: names,
		ExcludedIPRanges: []*net.IPNet{everywhere4, everywhere6},
	}
	made, err := signed(template, nil)
	if err != nil {
		return made, err
	}
	return made, made.write(authorityFile(dir), authorityKey(dir))
}

func newServer(dir string, ca pair, names []string, now time.Time) (time.Time, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	made, err := signed(template, &ca)
	if err != nil {
		return time.Time{}, err
	}
	return made.certificate.NotAfter, made.write(serverFile(dir), serverKey(dir))
}

// signed makes a key and its certificate; by nil, one that is signed by itself.
func signed(template *x509.Certificate, by *pair) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make a key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return pair{}, fmt.Errorf("make a serial number: %w", err)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return pair{}, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	certificate, err := x509.ParseCertificate(raw)
	return pair{certificate, key}, err
}
