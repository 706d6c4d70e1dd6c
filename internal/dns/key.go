package dns

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/miekg/dns"

	"millwright/internal/metal"
)

// key is a TSIG key. Server and client know it by the same name.
type key struct {
	name      string // canonical: lower case with a final dot
	algorithm string // as it stands in a TSIG record
	secret    string // base64
}

func (d *Driver) key(ctx context.Context, zone metal.Zone) (key, error) {
	c, err := d.Credentials(ctx, zone.Credential)
	if err != nil {
		return key{}, err
	}
	if _, ok := dns.IsDomainName(c.User); !ok {
		return key{}, fmt.Errorf("credential %s: its user is no TSIG key's name; put there what stands after \"key\" in the server's configuration: %w",
			zone.Credential, metal.ErrBadCredentials)
	}
	// The decoder's own words are left out: they say something of the secret.
	if raw, err := base64.StdEncoding.DecodeString(c.Password); err != nil || len(raw) == 0 {
		return key{}, fmt.Errorf("credential %s: its password is not base64, as the secret of a TSIG key is: %w", zone.Credential, metal.ErrBadCredentials)
	}
	return key{name: dns.CanonicalName(c.User), algorithm: dns.Fqdn(zone.TSIG()), secret: c.Password}, nil
}

func (k key) secrets() map[string]string { return map[string]string{k.name: k.secret} }
