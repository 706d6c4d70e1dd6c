package sos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"millwright/internal/metal"
)

const (
	greetLimit  = 20 * time.Second // for the handshake, with a hardware key to be touched
	idleLimit   = 30 * time.Minute // without a key pressed
	lookEvery   = 2 * time.Second  // how long somebody stays who may not any more
	blindLimit  = 30 * time.Second // how long it may not be known whether somebody may stay
	perDevice   = 4                // people at one console
	greetAtOnce = 64               // handshakes at the same time, of everybody
)

// ErrOtherSite is what Attach answers for a machine whose console is not kept here.
var ErrOtherSite = errors.New("the machine is at another site")

// Devices says whose console is whose, and keeps what is said of its use.
type Devices interface {
	ConsoleSeat(ctx context.Context, device metal.DeviceID) (metal.ConsoleSeat, error)
	Event(ctx context.Context, claim metal.Claim, kind, body string) error
}

// Place is where somebody sits at a console.
type Place interface {
	Output() <-chan []byte // closed when the console is taken away
	Write(p []byte) (int, error)
	Leave() // may be called twice
}

// Server is the door to a site's consoles. Idle and Look may be zero.
type Server struct {
	HostKey ssh.Signer
	Devices Devices
	Attach  func(ctx context.Context, site metal.SiteID, machine metal.MachineID) (Place, error)
	Log     *slog.Logger
	Idle    time.Duration // 30 min if zero
	Look    time.Duration // how often it is asked who may stay; 2 s if zero

	gate gate
	mu   sync.Mutex
	sits map[metal.DeviceID]int
}

// Serve lets people in until ctx ends, and then sends everybody away.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	greeting := make(chan struct{}, greetAtOnce)
	var people sync.WaitGroup
	defer people.Wait()
	for {
		conn, err := ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept at %s: %w", ln.Addr(), err)
		}
		select {
		case greeting <- struct{}{}:
		default:
			conn.Close() // there are more than could all be people
			continue
		}
		if !s.gate.open(conn.RemoteAddr()) {
			<-greeting
			conn.Close()
			continue
		}
		people.Go(func() { s.serve(ctx, conn, sync.OnceFunc(func() { <-greeting })) })
	}
}

// serve is one connection from its first byte to its last.
func (s *Server) serve(ctx context.Context, conn net.Conn, greeted func()) {
	defer greeted()
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(greetLimit))
	c, channels, requests, err := ssh.NewServerConn(conn, s.config(ctx))
	if err != nil {
		var refused *ssh.ServerAuthError
		if errors.As(err, &refused) && len(refused.Errors) > 0 {
			s.gate.failed(conn.RemoteAddr())
		}
		s.Log.DebugContext(ctx, "nobody is let in to a console", "from", conn.RemoteAddr(), "error", err)
		return
	}
	greeted()
	_ = conn.SetDeadline(time.Time{})
	go ssh.DiscardRequests(requests) // no forwarding
	// Whoever is let in and asks for no shell is a scan, or a forgotten -N.
	late := time.AfterFunc(greetLimit, func() { conn.Close() })
	defer late.Stop()
	s.channels(ctx, c, channels, late)
}

// channels serves the first session, and nothing else.
func (s *Server) channels(ctx context.Context, c *ssh.ServerConn, channels <-chan ssh.NewChannel, late *time.Timer) {
	seated := false
	var session sync.WaitGroup
	defer session.Wait()
	defer c.Close()
	ended := make(chan struct{})
	for {
		select {
		case <-ended:
			return
		case asked, open := <-channels:
			switch {
			case !open:
				return
			case asked.ChannelType() != "session":
				_ = asked.Reject(ssh.UnknownChannelType, "only a console is to be had here")
			case seated:
				_ = asked.Reject(ssh.ResourceShortage, "one console to a connection")
			default:
				seated = true
				session.Go(func() { defer close(ended); s.accept(ctx, c, asked, late) })
			}
		}
	}
}

func (s *Server) idle() time.Duration { return cmp.Or(s.Idle, idleLimit) }
func (s *Server) look() time.Duration { return cmp.Or(s.Look, lookEvery) }
