package junos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

// keyAlgorithms are what a host key may sign with. A switch shows only one of
// its keys, by what the client asks for, and the pinned one may be any.
var keyAlgorithms = []string{
	ssh.KeyAlgoED25519,
	ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// pin is the host key to be shown, and the one that was.
type pin struct {
	want  string
	shown ssh.PublicKey // nil until the handshake comes that far
}

func (p *pin) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	if p.shown = key; p.mismatch() {
		return errors.New("not the pinned host key")
	}
	return nil
}

func (p *pin) mismatch() bool {
	return p.shown != nil && ssh.FingerprintSHA256(p.shown) != p.want
}

// signs tells whether the key shown is one that signs with the algorithm; an
// RSA key does with several.
func (p *pin) signs(algorithm string) bool {
	kind := p.shown.Type()
	return kind == algorithm || (kind == ssh.KeyAlgoRSA && strings.HasPrefix(algorithm, "rsa-"))
}

// login is a connection that proved who it is, and closes when ctx ends.
type login struct {
	conn   net.Conn
	client *ssh.Client
	forget func() bool // detaches from ctx
}

// connect opens SSH to a switch whose host key is pinned. Where the key shown
// is not the pinned one, it asks for the switch's keys of the other types
// before it calls the switch an impostor.
func connect(ctx context.Context, sw metal.Switch, who metal.Credential, limit time.Duration) (*login, error) {
	var shown []string
	for left := slices.Clone(keyAlgorithms); len(left) > 0; {
		key := &pin{want: sw.HostKey}
		l, err := handshake(ctx, sw, limit, &ssh.ClientConfig{
			User: who.User, Auth: password(who.Password),
			HostKeyAlgorithms: left, HostKeyCallback: key.check,
		})
		switch {
		case err == nil:
			return l, nil
		case key.mismatch():
			shown = append(shown, ssh.FingerprintSHA256(key.shown))
			left = slices.DeleteFunc(left, key.signs)
		case len(shown) > 0 && strings.Contains(err.Error(), "no common algorithm"):
			left = nil // it has no keys of the types that are left
		default:
			return nil, refusedLogin(err)
		}
	}
	return nil, fmt.Errorf("host key %s, want %s: %w", strings.Join(shown, ", "), sw.HostKey, metal.ErrFingerprint)
}

// password answers both ways in which Junos asks for it.
func password(secret string) []ssh.AuthMethod {
	return []ssh.AuthMethod{
		ssh.Password(secret),
		ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			return slices.Repeat([]string{secret}, len(questions)), nil
		}),
	}
}

// refusedLogin tells a refused password from a lost connection. The ssh module
// has no error value for it.
func refusedLogin(err error) error {
	if strings.Contains(err.Error(), "unable to authenticate") {
		return fmt.Errorf("%w: %w", metal.ErrBadCredentials, err)
	}
	return err
}

// handshake dials and logs in before the limit; the connection dies with ctx.
func handshake(ctx context.Context, sw metal.Switch, limit time.Duration, config *ssh.ClientConfig) (*login, error) {
	deadline := time.Now().Add(limit)
	conn, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, "tcp", sw.Address)
	if err != nil {
		return nil, err
	}
	forget := context.AfterFunc(ctx, func() { _ = conn.Close() })
	_ = conn.SetDeadline(deadline)
	c, channels, requests, err := ssh.NewClientConn(conn, sw.Address, config)
	if err != nil {
		forget()
		_ = conn.Close()
		return nil, because(ctx, err)
	}
	return &login{conn: conn, client: ssh.NewClient(c, channels, requests), forget: forget}, nil
}

// close ends the connection, whatever it is doing.
func (l *login) close() {
	l.forget()
	_ = l.client.Close()
	_ = l.conn.Close()
}
