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

// keyTypes are the host keys a switch may have. It shows only one of them, by
// what the client asks for, and the pinned one may be any.
var keyTypes = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// errOtherKey is a handshake that showed a key other than the pinned one.
var errOtherKey = errors.New("another host key")

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
	for left := slices.Clone(keyTypes); len(left) > 0; {
		config := &ssh.ClientConfig{User: who.User, Auth: password(who.Password), HostKeyAlgorithms: slices.Concat(left...)}
		var key ssh.PublicKey
		config.HostKeyCallback = func(_ string, _ net.Addr, k ssh.PublicKey) error {
			if key = k; ssh.FingerprintSHA256(k) != sw.HostKey {
				return errOtherKey
			}
			return nil
		}
		l, err := handshake(ctx, sw, config, limit)
		if err == nil {
			return l, nil
		}
		if key == nil || ssh.FingerprintSHA256(key) == sw.HostKey {
			if len(shown) > 0 && strings.Contains(err.Error(), "no common algorithm") {
				break // it has no keys of the types left
			}
			return nil, refusedLogin(err)
		}
		shown = append(shown, ssh.FingerprintSHA256(key))
		left = slices.DeleteFunc(left, func(types []string) bool {
			return slices.ContainsFunc(types, func(t string) bool { return strings.HasSuffix(key.Type(), t) || sameFamily(t, key.Type()) })
		})
	}
	return nil, fmt.Errorf("host key %s, want %s: %w", strings.Join(shown, ", "), sw.HostKey, metal.ErrFingerprint)
}

// sameFamily: an RSA key is offered under several signature algorithms.
func sameFamily(algorithm, keyType string) bool {
	return keyType == ssh.KeyAlgoRSA && strings.HasPrefix(algorithm, "rsa-")
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
func handshake(ctx context.Context, sw metal.Switch, config *ssh.ClientConfig, limit time.Duration) (*login, error) {
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
		return nil, errors.Join(err, ctx.Err())
	}
	return &login{conn: conn, client: ssh.NewClient(c, channels, requests), forget: forget}, nil
}

// close ends the connection, whatever it is doing.
func (l *login) close() {
	l.forget()
	_ = l.client.Close()
	_ = l.conn.Close()
}
