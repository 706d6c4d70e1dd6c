package vault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// FileName is how a keyset is called in a folder of credentials, where programs
// look for it that are told of no other.
const FileName = "keyset.json"

// Create makes a keyset of one key. A file that exists is left alone: what it
// seals would be lost.
func Create(path string) (KeyID, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return 0, fmt.Errorf("keyset %s: make a key: %w", path, err)
	}
	made, err := newKeys(path, handle)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return 0, fmt.Errorf("keyset %s is there already, and is left as it is: without it nothing that it sealed can be opened; for a new key run: starter secrets rotate", path)
	}
	if err != nil {
		return 0, fmt.Errorf("keyset: %w", err)
	}
	if err := fill(f, made); err != nil {
		return 0, errors.Join(fmt.Errorf("keyset %s: write it: %w", path, err), os.Remove(path))
	}
	return made.newest(), nil
}

// Rotate adds a key, which seals from now on. The old ones go on opening.
func Rotate(path string) (KeyID, error) {
	var added KeyID
	err := change(path, func(m *keyset.Manager) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		added = KeyID(id)
		return m.SetPrimary(id)
	})
	return added, err
}

// Drop removes keys. What they sealed is lost, in every backup too. The newest
// one stays whatever is asked.
func Drop(path string, drop ...KeyID) error {
	return change(path, func(m *keyset.Manager) error {
		for _, id := range drop {
			if err := m.Delete(uint32(id)); err != nil {
				return fmt.Errorf("drop key %s: %w", id, err)
			}
		}
		return nil
	})
}

// change rewrites a keyset, one change at a time: of two at once, one would
// lose the other's key, which may have sealed something by then.
func change(path string, do func(*keyset.Manager) error) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("keyset: %w", err)
	}
	defer folder.Close() // which unlocks it
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("keyset %s: lock its folder: %w", path, err)
	}
	old, err := read(path)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(old.handle)
	if err := do(manager); err != nil {
		return fmt.Errorf("keyset %s: %w", path, err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return fmt.Errorf("keyset %s: %w", path, err)
	}
	changed, err := newKeys(path, handle)
	if err != nil {
		return err
	}
	if err := replace(path, changed); err != nil {
		return fmt.Errorf("keyset %s: write it: %w", path, err)
	}
	return folder.Sync() // or a power cut could bring the old file back, after the new key has sealed
}

// replace puts a new file in the old one's place at once, for the same owner,
// group and mode: programs read it while it changes.
func replace(path string, k *keys) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	// A mounted secret is a link; what it leads to is what changes.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	if was, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := fill(f, k); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func fill(f *os.File, k *keys) error {
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewJSONWriter(&text)); err != nil {
		return errors.Join(err, f.Close())
	}
	text.WriteByte('\n')
	_, err := f.Write(text.Bytes())
	return errors.Join(err, f.Sync(), f.Close())
}
