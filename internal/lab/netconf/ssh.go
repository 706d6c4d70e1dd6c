package netconf

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// handshakeLimit ends connections that never log in.
const handshakeLimit = 30 * time.Second

// hostKey follows from the name, so that a site file can pin the key of a
// switch before it first starts. It protects nothing: the lab is public.
func hostKey(name string) (ssh.Signer, error) {
	seed := sha256.Sum256([]byte("millwright lab " + name))
	return ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
}

// HostKeyFingerprint is the host key of the lab's switch of that name, as
// ssh-keygen prints it and as metal.Switch pins it.
func HostKeyFingerprint(name string) string {
	signer, err := hostKey(name)
	if err != nil {
		panic(err) // cannot happen: a SHA-256 sum is a seed of the right length
	}
	return ssh.FingerprintSHA256(signer.PublicKey())
}

// Serve answers NETCONF on the listener until ctx ends, then closes it and
// every session.
func (s *Switch) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel() // before the wait, or it would wait for clients that never leave
	for {
		conn, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		clients.Go(func() { s.client(ctx, conn) })
	}
}

// client serves one connection, and its session if it opens one.
func (s *Switch) client(ctx context.Context, conn net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(handshakeLimit))
	server, channels, requests, err := ssh.NewServerConn(conn, s.serverConfig())
	if err != nil {
		s.log.Debug("login refused", "from", conn.RemoteAddr(), "why", err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	go ssh.DiscardRequests(requests)
	go func() { // tells a hanging or slow operation that its client left
		_ = server.Wait()
		cancel()
	}()
	for offered := range channels {
		s.channel(ctx, server, offered)
	}
}

func (s *Switch) serverConfig() *ssh.ServerConfig {
	config := &ssh.ServerConfig{PasswordCallback: s.login}
	config.AddHostKey(s.signer)
	return config
}

func (s *Switch) login(who ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	// The SSH module tells the client neither this reason nor the other.
	if _, refused := s.strikes(LoginRefused); refused {
		return nil, errors.New("refused by a fault")
	}
	if who.User() != s.config.User || subtle.ConstantTimeCompare(password, []byte(s.config.Password)) != 1 {
		return nil, errors.New("wrong user or password")
	}
	return nil, nil
}

// channel serves the netconf subsystem and nothing else.
func (s *Switch) channel(ctx context.Context, server *ssh.ServerConn, offered ssh.NewChannel) {
	if offered.ChannelType() != "session" {
		_ = offered.Reject(ssh.UnknownChannelType, "want a session")
		return
	}
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	for r := range requests {
		// The payload is a string with its length in four bytes before it (RFC
		// 4254 section 6.5).
		netconf := r.Type == "subsystem" && string(r.Payload[min(4, len(r.Payload)):]) == "netconf"
		_ = r.Reply(netconf, nil)
		if netconf {
			go ssh.DiscardRequests(requests)
			s.join(ctx, server, channel)
			return
		}
	}
}

// join runs a session on an open channel and closes the connection after it:
// a client that lost its session must not take the connection for a live one.
func (s *Switch) join(ctx context.Context, server *ssh.ServerConn, channel ssh.Channel) {
	client := &session{
		at: s, user: server.User(), in: bufio.NewReader(channel), out: channel,
		close: func() { _ = server.Close() }, done: ctx.Done(),
	}
	s.mu.Lock()
	s.lastID++
	client.id = s.lastID
	s.sessions[client.id] = client
	s.mu.Unlock()
	client.run()
	_ = channel.Close()
	_ = server.Close()
}
