package authority

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

// pair is a certificate with its key.
type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func readPair(certificate, key string) (pair, error) {
	raw, err := readPEM(certificate, "CERTIFICATE")
	if err != nil {
		return pair{}, err
	}
	var p pair
	if p.certificate, err = x509.ParseCertificate(raw); err != nil {
		return p, fmt.Errorf("read the certificate in %s: %w", certificate, err)
	}
	if raw, err = readPEM(key, "PRIVATE KEY"); err != nil {
		return p, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	if err != nil {
		return p, fmt.Errorf("read the key in %s: it is no PKCS #8", key) // an error could quote it
	}
	var ok bool
	if p.key, ok = parsed.(*ecdsa.PrivateKey); !ok || !p.key.PublicKey.Equal(p.certificate.PublicKey) {
		return p, fmt.Errorf("the key in %s is not that of the certificate in %s; remove both, to have new ones made", key, certificate)
	}
	return p, nil
}

func readPEM(file, kind string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err // names the file
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s holds no %s in PEM; remove it and its companion, to have new ones made", file, kind)
	}
	return block.Bytes, nil
}

// write puts the key first: a certificate without its key would be read by a
// server as a fault, a key without its certificate is made anew.
func (p pair) write(certificate, key string) error {
	raw, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("write the key of %s: %w", p.certificate.Subject.CommonName, err)
	}
	if err := writePEM(key, "PRIVATE KEY", raw, 0o600); err != nil {
		return err
	}
	return writePEM(certificate, "CERTIFICATE", p.certificate.Raw, 0o644)
}

// writePEM replaces a file whole: who reads it at the same time reads the old
// one or the new one.
func writePEM(file, kind string, raw []byte, mode os.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // gone already where it was renamed
	if err := pem.Encode(temporary, &pem.Block{Type: kind, Bytes: raw}); err != nil {
		_ = temporary.Close()
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := temporary.Chmod(mode); err != nil {
		_ = temporary.Close()
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := temporary.Sync(); err != nil {
		_ = temporary.Close()
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := temporary.Close(); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.Rename(temporary.Name(), file)
}
