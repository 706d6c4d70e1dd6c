package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"millwright/internal/erasure"
)

// erasureKey reads the key that signs certificates of erasure, and makes one
// where there is none yet: a boot service that cannot sign would keep every
// machine from its pool. Each boot service may have its own; the public halves
// are kept in Postgres.
func erasureKey(path string) (erasure.Key, error) {
	key, err := erasure.LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return key, fmt.Errorf("make a key to sign certificates of erasure with: %w", err)
	}
	return erasure.LoadKey(path)
}

func makeKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return errors.Join(err, file.Sync(), file.Close())
}
