package bmc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// identifier is a session that can say whose BMC it is at.
type identifier interface {
	identify(ctx context.Context) (metal.MachineIdentity, error)
}

// greetLimit is how long a port may take to show a certificate: a BMC that is
// busy takes some 3 s.
const greetLimit = 8 * time.Second

// Identify asks the BMC at an address who it is, over Redfish if it is there
// and else over IPMI, with the best cipher suite that it takes. It trusts the
// certificate that it is shown, once, and tells which one it was: whoever calls
// it decides whether that is the one to pin.
func (d *Driver) Identify(ctx context.Context, address string, cred metal.Credential) (metal.MachineIdentity, error) {
	got, err := d.identifyRedfish(ctx, address, cred)
	if err != nil && !errors.Is(err, metal.ErrBadCredentials) && ctx.Err() == nil {
		var second error
		if got, second = d.identifyIPMI(ctx, address, cred); second == nil {
			return got, nil
		}
		err = fmt.Errorf("over Redfish: %w; over IPMI: %w", err, second)
	}
	if err != nil {
		return metal.MachineIdentity{}, fmt.Errorf("BMC %s: identify: %w", address, err)
	}
	return got, nil
}

func (d *Driver) identifyRedfish(ctx context.Context, address string, cred metal.Credential) (metal.MachineIdentity, error) {
	b := metal.BMC{Address: address, Protocol: metal.Redfish}
	at, err := endpointOf(b)
	if err != nil {
		return metal.MachineIdentity{}, err
	}
	if b.Fingerprint, err = d.shown(ctx, at); err != nil {
		return metal.MachineIdentity{}, err
	}
	got, err := d.askIdentity(ctx, b, at, cred)
	got.Fingerprint = b.Fingerprint
	return got, err
}

// shown is the fingerprint of the certificate that an endpoint shows.
func (d *Driver) shown(ctx context.Context, at endpoint) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, min(greetLimit, d.request()))
	defer cancel()
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // it is what is to be learnt
	conn, err := dialer.DialContext(ctx, "tcp", at.String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	sum := sha256.Sum256(conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:]), nil
}

// identifyIPMI tries the suite with SHA-256 before the one with SHA-1.
func (d *Driver) identifyIPMI(ctx context.Context, address string, cred metal.Credential) (got metal.MachineIdentity, err error) {
	for _, suite := range []string{"17", "3"} {
		b := metal.BMC{Address: address, Protocol: metal.IPMI, CipherSuite: suite}
		at, unusable := endpointOf(b)
		if unusable != nil {
			return got, unusable
		}
		got, err = d.askIdentity(ctx, b, at, cred)
		if err == nil {
			got.CipherSuite = suite
			return got, nil
		}
		if !errors.Is(err, metal.ErrUnsupported) {
			return got, err
		}
	}
	return got, err
}

func (d *Driver) askIdentity(ctx context.Context, b metal.BMC, at endpoint, cred metal.Credential) (got metal.MachineIdentity, err error) {
	ctx = as(ctx, cred)
	err = d.govern(ctx, b, at, "identify", func(ctx context.Context, s session) (err error) {
		who, ok := s.(identifier)
		if !ok {
			return metal.ErrUnsupported
		}
		got, err = who.identify(ctx)
		return err
	})
	if err != nil && ctx.Err() != nil {
		err = cmp.Or(context.Cause(ctx), err)
	}
	got.Protocol = b.Protocol
	return got, err
}
