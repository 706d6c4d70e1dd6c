package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// server is a boot service with its sockets open.
type server struct {
	*service
	dhcp, tftp   *net.UDPConn
	dhcp6        *net.UDPConn // nil at a site without IPv6
	http, admins net.Listener
}

// open opens every socket and folder, so that a wrong flag ends the program
// before it answers anybody.
func open(cfg Config, store Store, signaller Signaller, log *slog.Logger) (*server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s, err := newService(cfg, store, signaller, log)
	if err != nil {
		return nil, err
	}
	srv := &server{service: s}
	for _, socket := range []struct {
		name, address string
		open          func(address string) error
	}{
		{"DHCP", cfg.DHCPListen, func(a string) (err error) { srv.dhcp, err = listenUDP("udp4", a); return err }},
		{"DHCPv6", cfg.DHCP6Listen, srv.openDHCP6},
		{"TFTP", cfg.TFTPListen, func(a string) (err error) { srv.tftp, err = listenUDP("udp", a); return err }},
		{"HTTP", cfg.HTTPListen, func(a string) (err error) { srv.http, err = net.Listen("tcp", a); return err }},
		{"admin", cfg.AdminListen, func(a string) (err error) { srv.admins, err = net.Listen("tcp", a); return err }},
	} {
		if err := socket.open(socket.address); err != nil {
			srv.close()
			return nil, fmt.Errorf("listen for %s on %s: %w", socket.name, socket.address, err)
		}
	}
	return srv, nil
}

func (s *server) openDHCP6(address string) (err error) {
	if s.Address6.IsValid() {
		s.dhcp6, err = listenUDP("udp6", address)
	}
	return err
}

func listenUDP(network, address string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return net.ListenUDP(network, a)
}

func (s *server) close() {
	for _, c := range []*net.UDPConn{s.dhcp, s.dhcp6, s.tftp} {
		if c != nil {
			_ = c.Close()
		}
	}
	for _, l := range []net.Listener{s.http, s.admins} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// run serves until ctx ends, or until a part of it fails: half a boot service
// looks like a broken rack, and is better restarted.
func (s *server) run(ctx context.Context) error {
	s.log.Info("serving", "site", s.Site, "dhcp", s.dhcp.LocalAddr(), "tftp", s.tftp.LocalAddr(),
		"http", s.http.Addr(), "admin", s.admins.Addr(), "url", s.URL)
	group, ctx := errgroup.WithContext(ctx)
	f := &feed{site: s.Site, store: s.store, view: s.view, log: s.log, reload: s.Reload}
	group.Go(func() error { return f.run(ctx) })
	group.Go(func() error { every(ctx, s.Reload, func() { s.introduce(ctx) }); return nil })
	group.Go(func() error { s.courier.run(ctx, s.Resend); return nil })
	group.Go(func() error { return s.dhcpServer().Serve(ctx, s.dhcp) })
	if s.dhcp6 != nil {
		group.Go(func() error { return s.dhcp6Server().Serve(ctx, s.dhcp6) })
	}
	group.Go(func() error { return serveTFTP(ctx, s) })
	group.Go(func() error { return serveHTTP(ctx, s.http, s.routes()) })
	group.Go(func() error { return serveHTTP(ctx, s.admins, s.admin()) })
	return group.Wait()
}

func serveTFTP(ctx context.Context, s *server) error {
	t := s.tftpServer()
	stop := context.AfterFunc(ctx, t.Shutdown)
	defer stop()
	if err := t.Serve(s.tftp); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve TFTP on %s: %w", s.tftp.LocalAddr(), err)
	}
	return nil
}

// stopLimit is how long transfers may take to end. Held questions end at once,
// with the context; an image that is cut off goes on at another boot service.
const stopLimit = 5 * time.Second

func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		if server.Shutdown(limited) != nil {
			_ = server.Close()
		}
	}()
	err := server.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", l.Addr(), err)
	}
	<-stopped
	return nil
}
