package rescue

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Config says who is let in, and to what.
type Config struct {
	Listen string   // ":22"
	Keys   []string // authorized_keys lines, without options
	Shell  string   // "/bin/sh"
	Log    *slog.Logger

	Idle time.Duration // a connection that brings nothing for so long is closed; 0 means an hour
}

const (
	defaultIdle = time.Hour
	handshake   = 30 * time.Second // sshd's LoginGraceTime is 120 s; nobody types a password here
	maxTries    = 6                // keys that an agent with many of them may offer
	maxSessions = 32               // connections at once, of everybody
)

// Server is an open rescue system.
type Server struct {
	config   Config
	ssh      *ssh.ServerConfig
	keys     [][]byte
	listener net.Listener
	host     ssh.PublicKey

	ctx   context.Context // ends with the server
	close context.CancelFunc
	all   sync.WaitGroup
	room  chan struct{}
}

// Open listens. At least one of the keys must be one.
func Open(config Config) (*Server, error) {
	s := &Server{config: config, room: make(chan struct{}, maxSessions)}
	if s.config.Idle == 0 {
		s.config.Idle = defaultIdle
	}
	if err := s.readKeys(); err != nil {
		return nil, err
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make a host key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a host key: %w", err)
	}
	s.host = signer.PublicKey()
	s.ssh = &ssh.ServerConfig{PublicKeyCallback: s.admit, MaxAuthTries: maxTries, ServerVersion: "SSH-2.0-Millwright_rescue"}
	s.ssh.AddHostKey(signer)
	if s.listener, err = net.Listen("tcp", config.Listen); err != nil {
		return nil, fmt.Errorf("listen for the tenant: %w", err)
	}
	s.ctx, s.close = context.WithCancel(context.Background())
	s.all.Go(s.accept)
	return s, nil
}

// readKeys leaves out what is no key. One with options is left out as well: to
// let somebody in without heeding them would be more than he was given.
func (s *Server) readKeys() error {
	for i, line := range s.config.Keys {
		key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
		switch {
		case err != nil:
			s.config.Log.Warn("a key of the tenant cannot be read", "key", i, "error", err)
		case len(options) > 0:
			s.config.Log.Warn("a key of the tenant has options, which are not known here", "key", i)
		default:
			s.keys = append(s.keys, key.Marshal())
		}
	}
	if s.keys == nil {
		return fmt.Errorf("none of %d keys can be used: give the device a public key of SSH, without options", len(s.config.Keys))
	}
	return nil
}

func (s *Server) admit(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	known := slices.ContainsFunc(s.keys, func(k []byte) bool { return bytes.Equal(k, key.Marshal()) })
	if c.User() != "root" || !known {
		return nil, errors.New("refused")
	}
	return &ssh.Permissions{Extensions: map[string]string{"key": ssh.FingerprintSHA256(key)}}, nil
}

// Fingerprint is the host key's, as ssh shows it.
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.host) }

// Address is where it listens.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Close ends every session and what runs in them.
func (s *Server) Close() error {
	s.close()
	err := s.listener.Close()
	s.all.Wait()
	return err
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if s.ctx.Err() != nil {
			return
		}
		if err != nil { // no file descriptors, for example
			s.config.Log.Warn("a rescue connection is not accepted", "error", err)
			if sleep(s.ctx, time.Second) != nil {
				return
			}
			continue
		}
		select {
		case s.room <- struct{}{}:
			s.all.Go(func() { s.serve(conn); <-s.room })
		default:
			_ = conn.Close()
		}
	}
}

func (s *Server) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(s.ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(handshake))
	log := s.config.Log.With("from", conn.RemoteAddr())
	active := &active{Conn: conn, idle: s.config.Idle}
	client, channels, requests, err := ssh.NewServerConn(active, s.ssh)
	if err != nil {
		log.Warn("a rescue connection is refused", "error", err)
		return
	}
	active.begin()
	log.Info("the tenant is in", "key", client.Permissions.Extensions["key"])
	go ssh.DiscardRequests(requests)
	var sessions sync.WaitGroup
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.Prohibited, "the rescue system forwards nothing")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			break
		}
		sessions.Go(func() { newSession(s.config.Shell, channel, log).serve(requests) })
	}
	sessions.Wait()
	log.Info("the tenant is out")
}

// active is a connection whose deadline moves with each byte that the other side
// sends, once begin was called.
type active struct {
	net.Conn
	idle  time.Duration
	mu    sync.Mutex
	begun bool
}

func (a *active) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun = true
	_ = a.SetDeadline(time.Now().Add(a.idle))
}

// Read moves the deadline.
func (a *active) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun && n > 0 {
		_ = a.SetDeadline(time.Now().Add(a.idle))
	}
	return n, err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
