package webhook

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"

	"millwright/internal/metal"
)

// secretPrefix marks a secret for what it is, as Standard Webhooks has it.
const secretPrefix = "whsec_"

// secretSize is in bytes; Standard Webhooks wants 24 to 64.
const secretSize = 32

// NewSecret makes what an endpoint's messages are signed with.
func NewSecret() string {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// keySize is AES-256's.
const keySize = 32

// markSize is how much of a key's hash a sealed secret begins with, so that it
// is opened with the key that sealed it.
const markSize = 4

// Keys seal secrets for the database. They are given to the programs as files,
// and never stand in the database themselves.
type Keys struct {
	all []key // the first one seals
}

type key struct {
	mark [markSize]byte
	aead cipher.AEAD
}

// ReadKeys reads a key from each file. Without files there are none: nil.
func ReadKeys(files []string) (*Keys, error) {
	if len(files) == 0 {
		return nil, nil
	}
	keys := &Keys{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the webhook key: %w", err)
		}
		if len(raw) != keySize {
			return nil, fmt.Errorf("webhook key %s: it has %d bytes, want %d random ones; make one: head -c %d /dev/urandom > FILE", file, len(raw), keySize, keySize)
		}
		k, err := newKey(raw)
		if err != nil {
			return nil, fmt.Errorf("webhook key %s: %w", file, err)
		}
		keys.all = append(keys.all, k)
	}
	return keys, nil
}

func newKey(raw []byte) (k key, err error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	hash := sha256.Sum256(raw)
	copy(k.mark[:], hash[:])
	k.aead, err = cipher.NewGCMWithRandomNonce(block)
	return k, err
}

// Seal hides a webhook's secret. It can be opened for that webhook alone: a row
// that is copied to another one opens nothing.
func (k *Keys) Seal(webhook, secret string) []byte {
	with := k.all[0]
	return with.aead.Seal(with.mark[:], nil, []byte(secret), []byte(webhook))
}

// Open finds a webhook's secret again. No keys open nothing: metal.ErrNoSecret.
func (k *Keys) Open(webhook string, sealed []byte) (string, error) {
	if k == nil {
		return "", fmt.Errorf("webhook %s: this program has no key to open its secret with; give it --webhook-key: %w", webhook, metal.ErrNoSecret)
	}
	if len(sealed) > markSize {
		for _, with := range k.all {
			if [markSize]byte(sealed) != with.mark {
				continue
			}
			if secret, err := with.aead.Open(nil, nil, sealed[markSize:], []byte(webhook)); err == nil {
				return string(secret), nil
			}
		}
	}
	return "", fmt.Errorf("webhook %s: its secret was sealed with another key; give this program the file that sealed it, beside any other (--webhook-key): %w", webhook, metal.ErrNoSecret)
}
