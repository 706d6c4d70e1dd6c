package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"millwright/internal/metal"
)

// KeyID tells the keys of a keyset apart. It is no secret: it stands before all
// that its key has sealed.
type KeyID uint32

// String is decimal, as the file has it.
func (k KeyID) String() string { return strconv.FormatUint(uint64(k), 10) }

// Key is one key of a keyset. Newest seals; the others only open.
type Key struct {
	ID     KeyID
	Newest bool
}

// keys are what a file held when it was read.
type keys struct {
	handle *keyset.Handle
	aead   tink.AEAD
	all    []Key
}

// largest is some hundred keys: whoever names another file gets an error
// instead of its contents in memory.
const largest = 64 << 10

// read takes a file that only its owner and its group can read.
func read(path string) (*keys, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no keyset %s; make one with: starter secrets init --keyset %s: %w", path, path, metal.ErrNoSecret)
	}
	if err != nil {
		return nil, fmt.Errorf("keyset: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("keyset: %w", err)
	case !info.Mode().IsRegular() || info.Size() > largest:
		return nil, fmt.Errorf("keyset %s: want a file of at most %d bytes, as starter secrets init makes it", path, largest)
	case info.Mode().Perm()&0o007 != 0:
		return nil, fmt.Errorf("keyset %s: everybody on this machine can read it (mode %s); run: chmod o= %s", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, largest))
	if err != nil {
		return nil, fmt.Errorf("keyset: %w", err)
	}
	return parse(path, text)
}

// parse drops what Tink has against a text. Tink 2.9 does not say it, but the
// parser beneath quotes the text, and with it the keys.
func parse(path string, text []byte) (*keys, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, fmt.Errorf("keyset %s: it is no keyset in Tink's JSON; put back your copy of it", path)
	}
	return newKeys(path, handle)
}

func newKeys(path string, handle *keyset.Handle) (*keys, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("keyset %s: its keys cannot seal; want AES256-GCM, as starter secrets init makes it", path)
	}
	k := &keys{handle: handle, aead: primitive}
	for _, info := range handle.KeysetInfo().GetKeyInfo() {
		if info.GetStatus() != tinkpb.KeyStatusType_ENABLED {
			continue
		}
		if info.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			return nil, fmt.Errorf("keyset %s: key %d does not say what it sealed; want keys with the prefix TINK", path, info.GetKeyId())
		}
		k.all = append(k.all, Key{ID: KeyID(info.GetKeyId()), Newest: info.GetKeyId() == handle.KeysetInfo().GetPrimaryKeyId()})
	}
	return k, nil
}

func (k *keys) has(id KeyID) bool {
	for _, key := range k.all {
		if key.ID == id {
			return true
		}
	}
	return false
}

func (k *keys) newest() (id KeyID) {
	for _, key := range k.all {
		if key.Newest {
			id = key.ID
		}
	}
	return id
}
