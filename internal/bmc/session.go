package bmc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"millwright/internal/metal"
)

// session is one conversation with a BMC in one protocol. Words are bmclib's:
// power "on" and "off", devices "pxe" and "disk".
type session interface {
	power(ctx context.Context) (string, error)
	setPower(ctx context.Context, state string) error
	boot(ctx context.Context) (override, error)
	setBoot(ctx context.Context, device string, efi bool) error
	close(ctx context.Context)
}

// override is what a BMC says of the next boot.
type override struct {
	device string // as bmclib calls it; "none" if there is no override
	valid  bool   // whether the BMC means to honour it
	once   bool
	efi    bool
}

// errNoAcknowledgement is bmclib's ok=false without an error, which its
// providers answer when they cannot make sense of what they were told.
var errNoAcknowledgement = errors.New("BMC did not acknowledge")

// errSilent is a BMC that did not answer in time.
var errSilent = errors.New("no answer")

// blameless is an error that says nothing of the BMC: it was not asked.
type blameless struct{ error }

func (b blameless) Unwrap() error { return b.error }

// open begins a session over one protocol, at the BMC's pace.
func (d *Driver) open(ctx context.Context, b metal.BMC, at endpoint, p *pace) (session, error) {
	cred, err := d.credential(ctx, b)
	if err != nil {
		return nil, blameless{fmt.Errorf("credential %q: %w", b.Credential, err)}
	}
	log := d.log().With("machine", b.Machine, "bmc", at.String())
	switch b.Protocol {
	case metal.Redfish:
		w := newWire(at, b.Fingerprint, d.request(), log)
		w.pace, w.transport.DialContext = p, d.dial
		return openRedfish(ctx, at, cred, w)
	case metal.IPMI:
		s, err := openIPMI(at, cred, b.CipherSuite, d.Ipmitool, d.request(), log)
		if err != nil {
			return nil, blameless{err}
		}
		s.pace = p
		return s, nil
	}
	return nil, fmt.Errorf("protocol %q: %w", b.Protocol, metal.ErrUnsupported)
}

// endpoint is where a BMC listens.
type endpoint struct{ host, port string }

func (e endpoint) String() string { return net.JoinHostPort(e.host, e.port) }

// literal is the host as it stands before a colon and a port, which is how
// bmclib puts the two together.
func (e endpoint) literal() string {
	if strings.Contains(e.host, ":") {
		return "[" + e.host + "]"
	}
	return e.host
}

// endpointOf reads a BMC's address, whose port may be left out.
func endpointOf(b metal.BMC) (endpoint, error) {
	port := "443"
	if b.Protocol == metal.IPMI {
		port = "623"
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(b.Address, "["), "]")
	if _, err := netip.ParseAddr(bare); err == nil || (bare != "" && !strings.Contains(bare, ":")) {
		return endpoint{bare, port}, nil
	}
	host, port, err := net.SplitHostPort(b.Address)
	if err != nil || host == "" || port == "" {
		return endpoint{}, fmt.Errorf("address %q: want host or host:port", b.Address)
	}
	return endpoint{host, port}, nil
}

// plain turns a library's error into a short text without the password. The
// chain is cut on purpose: it may hold what the text no longer does.
func plain(err error, cred metal.Credential) error {
	text := err.Error()
	if cred.Password != "" {
		text = strings.ReplaceAll(text, cred.Password, "***")
	}
	const limit = 200 // enough for a sentence; what libraries add are whole documents
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return errors.New(text)
}
