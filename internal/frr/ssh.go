package frr

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

// keyAlgorithms are what a host key may sign with. A switch has keys of several
// types and shows one, by what the client asks for; the pinned one may be any.
var keyAlgorithms = []string{
	ssh.KeyAlgoED25519,
	ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// login is a connection that proved who it is, and closes when ctx ends.
type login struct {
	conn   net.Conn
	client *ssh.Client
	forget func() bool // detaches from ctx
}

// connect opens SSH to a switch whose host key is pinned. Where another key is
// shown, it asks for the keys of the other types before it calls the switch an
// impostor.
func connect(ctx context.Context, sw metal.Switch, who metal.Credential, limit time.Duration) (*login, error) {
	auth, err := methods(who)
	if err != nil {
		return nil, fmt.Errorf("credential %s: %w", sw.Credential, err)
	}
	var shown []string
	for left := slices.Clone(keyAlgorithms); len(left) > 0; {
		var key ssh.PublicKey
		l, err := handshake(ctx, sw, limit, &ssh.ClientConfig{
			User: who.User, Auth: auth, HostKeyAlgorithms: left,
			HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
				if key = k; ssh.FingerprintSHA256(k) != sw.HostKey {
					return metal.ErrFingerprint
				}
				return nil
			},
		})
		switch {
		case err == nil:
			return l, nil
		case key != nil && ssh.FingerprintSHA256(key) != sw.HostKey:
			shown = append(shown, ssh.FingerprintSHA256(key))
			left = slices.DeleteFunc(left, func(algorithm string) bool { return signs(key, algorithm) })
		case len(shown) > 0 && strings.Contains(err.Error(), "no common algorithm"):
			left = nil // it has no keys of the types that are left
		default:
			return nil, refusedLogin(err)
		}
	}
	return nil, fmt.Errorf("host key %s, want %s: %w", strings.Join(shown, ", "), sw.HostKey, metal.ErrFingerprint)
}

// signs tells whether a key signs with the algorithm; an RSA key does with
// several.
func signs(key ssh.PublicKey, algorithm string) bool {
	return key.Type() == algorithm || (key.Type() == ssh.KeyAlgoRSA && strings.HasPrefix(algorithm, "rsa-"))
}

// methods are the ways to log in that a credential allows: by key where its
// password is one, else by password, which servers ask for in two ways.
func methods(who metal.Credential) ([]ssh.AuthMethod, error) {
	if strings.HasPrefix(who.Password, "-----BEGIN ") {
		key, err := ssh.ParsePrivateKey([]byte(who.Password))
		if err != nil {
			return nil, fmt.Errorf("looks like a private key and is none that can be used: %w", metal.ErrBadCredentials)
		}
		return []ssh.AuthMethod{ssh.PublicKeys(key)}, nil
	}
	return []ssh.AuthMethod{
		ssh.Password(who.Password),
		ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			return slices.Repeat([]string{who.Password}, len(questions)), nil
		}),
	}, nil
}

// refusedLogin tells a refused credential from a lost connection. The ssh
// module has no error value for it.
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
	_ = conn.SetDeadline(time.Time{})
	return &login{conn: conn, client: ssh.NewClient(c, channels, requests), forget: forget}, nil
}

// close ends the connection, whatever it is doing.
func (l *login) close() {
	l.forget()
	_ = l.client.Close()
	_ = l.conn.Close()
}

// because names the end of ctx as the cause of what it broke.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
