package vault

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"millwright/internal/metal"
)

// Vault seals and opens with the keys of a file, as it is at this moment. It is
// safe for concurrent use.
type Vault struct {
	path string

	mu      sync.Mutex
	keys    *keys
	of      os.FileInfo // the file that keys were read from
	problem error       // why what stands there now could not be read
}

// Open reads a keyset. One that is not there yet is no error before something
// is to be sealed or opened; one that cannot be taken is.
func Open(path string) (*Vault, error) {
	v := &Vault{path: path}
	if _, err := v.current(); err != nil && !errors.Is(err, metal.ErrNoSecret) {
		return nil, err
	}
	return v, nil
}

// Path is where the keys lie.
func (v *Vault) Path() string { return v.path }

// current reads the file again if it has changed. A file that cannot be taken
// leaves the keys as they were: it may be half copied.
func (v *Vault) current() (*keys, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	info, err := os.Stat(v.path)
	if err == nil && v.keys != nil && v.problem == nil && os.SameFile(info, v.of) && info.ModTime().Equal(v.of.ModTime()) && info.Size() == v.of.Size() {
		return v.keys, nil
	}
	k, err := read(v.path)
	if v.problem = err; err == nil {
		v.keys, v.of = k, info
	}
	if v.keys == nil {
		return nil, err
	}
	return v.keys, nil
}

// Keys lists the keys of the file.
func (v *Vault) Keys() ([]Key, error) {
	k, err := v.current()
	if err != nil {
		return nil, err
	}
	return k.all, nil
}

// plaintext is what is sealed. Its names stand in rows: they never change. The
// values are bytes, which JSON keeps as they are even where they are no UTF-8.
type plaintext struct {
	User     []byte `json:"user"`
	Password []byte `json:"password"`
}

// Seal hides a credential. About is its name, such as bmc/m1: it opens under
// this name alone.
func (v *Vault) Seal(cred metal.Credential, about string) ([]byte, error) {
	k, err := v.current()
	if err != nil {
		return nil, fmt.Errorf("seal the credential %s: %w", about, err)
	}
	text, err := json.Marshal(plaintext{[]byte(cred.User), []byte(cred.Password)})
	if err != nil {
		return nil, fmt.Errorf("seal the credential %s: it cannot be written as JSON", about)
	}
	sealed, err := k.aead.Encrypt(text, []byte(about))
	if err != nil {
		return nil, fmt.Errorf("seal the credential %s with key %s: %w", about, k.newest(), err)
	}
	return sealed, nil
}

// Unseal finds a credential again. That a key is missing may pass, once the
// file is copied to this machine; that what was sealed is not this credential's
// is metal.ErrNoSecret.
func (v *Vault) Unseal(sealed []byte, about string) (metal.Credential, error) {
	k, err := v.current()
	if err != nil {
		return metal.Credential{}, fmt.Errorf("open the credential %s: %w", about, err)
	}
	id, ok := KeyOf(sealed)
	if !ok {
		return metal.Credential{}, fmt.Errorf("open the credential %s: what is on record was not sealed by us: %w", about, metal.ErrNoSecret)
	}
	if !k.has(id) {
		return metal.Credential{}, errors.Join(fmt.Errorf("open the credential %s: it was sealed with key %s, which %s does not have; copy the newest keyset here", about, id, v.path), v.trouble())
	}
	text, err := k.aead.Decrypt(sealed, []byte(about))
	if err != nil {
		return metal.Credential{}, fmt.Errorf("open the credential %s: what is on record is damaged, or another one's: %w", about, metal.ErrNoSecret)
	}
	var p plaintext
	if err := json.Unmarshal(text, &p); err != nil {
		return metal.Credential{}, fmt.Errorf("open the credential %s: it holds no user and password: %w", about, metal.ErrNoSecret)
	}
	return metal.Credential{User: string(p.User), Password: string(p.Password)}, nil
}

func (v *Vault) trouble() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.problem
}

// Tink's prefix of what a key sealed: a version byte and the key's ID.
const (
	tinkVersion = 1
	prefixSize  = 5
)

// KeyOf tells which key sealed something; false if none of ours did.
func KeyOf(sealed []byte) (KeyID, bool) {
	if len(sealed) <= prefixSize || sealed[0] != tinkVersion {
		return 0, false
	}
	return KeyID(binary.BigEndian.Uint32(sealed[1:prefixSize])), true
}
