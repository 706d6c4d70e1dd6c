package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// ID is an image's identity: the SHA-256 of its index. Who has it from somebody
// trusted can take index and blocks from anybody.
type ID [sha256.Size]byte

// ParseID reads what String gives, and nothing else: an ID comes out of URLs
// and becomes the name of a folder.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != hex.EncodedLen(len(id)) {
		return ID{}, fmt.Errorf("image %.80q: its identity is %d hexadecimal digits", s, hex.EncodedLen(len(id)))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("image %.80q: its identity is not hexadecimal", s)
	}
	if id.String() != s {
		return ID{}, fmt.Errorf("image %.80q: its identity is written in lower case", s)
	}
	return id, nil
}

// String is lower-case hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText makes an ID readable in JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText accepts what ParseID accepts.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}
