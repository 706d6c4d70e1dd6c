package junos

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"millwright/internal/metal"
)

// keyTag is the one statement of ours whose text is a secret (RFC 2385).
const keyTag = "authentication-key"

// keyring has the ports' MD5 keys by the names of their credentials, or why
// there is none.
type keyring map[string]foundKey

type foundKey struct {
	key string
	err error
}

// keys looks up what the ports need, at the moment of use.
func (d *Driver) keys(ctx context.Context, ports []metal.PortIntent) (keyring, error) {
	found := keyring{}
	for _, p := range ports {
		if p.Profile != metal.Tenant || p.BGP == nil || p.BGP.Secret == "" {
			continue
		}
		if _, known := found[p.BGP.Secret]; known {
			continue
		}
		who, err := d.Credentials(ctx, p.BGP.Secret)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			err = usable(who.Password)
		}
		found[p.BGP.Secret] = foundKey{key: who.Password, err: err}
	}
	return found, nil
}

// usable refuses a key that Junos would cut, or read as another: it takes 126
// characters (https://www.juniper.net/documentation/us/en/software/junos/cli-reference/topics/ref/statement/authentication-key-edit-protocols-bgp.html),
// and takes one that begins like its own ciphers for enciphered.
func usable(key string) error {
	odd := func(r rune) bool { return !unicode.IsGraphic(r) || r > unicode.MaxASCII }
	switch {
	case key == "" || len(key) > 126 || strings.ContainsFunc(key, odd) || strings.TrimSpace(key) != key:
		return fmt.Errorf("is not 1 to 126 printable characters of ASCII: %w", metal.ErrUnsupported)
	case strings.HasPrefix(key, "$8$") || strings.HasPrefix(key, "$9$"):
		return fmt.Errorf("begins as Junos begins what it enciphered: %w", metal.ErrUnsupported)
	}
	return nil
}

// of is a port's key; "" where it needs none.
func (k keyring) of(p metal.PortIntent) (string, error) {
	if p.Profile != metal.Tenant || p.BGP == nil || p.BGP.Secret == "" {
		return "", nil
	}
	found, looked := k[p.BGP.Secret]
	if looked && found.err != nil {
		return "", fmt.Errorf("BGP: key %q: %w", p.BGP.Secret, found.err)
	}
	return found.key, nil
}

// secrets are the keys themselves, to be kept out of what others read.
func (k keyring) secrets() []string {
	var all []string
	for _, found := range k {
		if found.key != "" {
			all = append(all, found.key)
		}
	}
	return all
}
