package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"millwright/internal/authority"
)

// tlsFlags are for clients that insist on HTTPS, or on a name that was never
// ours.
type tlsFlags struct {
	TLSListen      string   `name:"tls-listen" placeholder:"HOST:PORT" help:"Speak HTTPS here, too: :443."`
	TLSCertificate string   `name:"tls-certificate" type:"existingfile" placeholder:"FILE" help:"Its certificate, with what leads to the authority; read again when it has changed. starter ca make makes one."`
	TLSKey         string   `name:"tls-key" type:"existingfile" placeholder:"FILE" help:"The certificate's key."`
	ConnectListen  string   `placeholder:"HOST:PORT" help:"Be the HTTPS_PROXY of clients that have an address built in: answer CONNECT <connect-name>:443, and nothing else, with --tls-certificate."`
	ConnectName    []string `default:"api.equinix.com" help:"Under which names."`
}

func (t tlsFlags) check() error {
	wanted := t.TLSListen != "" || t.ConnectListen != ""
	if wanted != (t.TLSCertificate != "") || wanted != (t.TLSKey != "") {
		return usage(errors.New("--tls-listen and --connect-listen need --tls-certificate and --tls-key, and these one of the former; to make them: starter ca make"))
	}
	return nil
}

// socket is where something is served.
type socket struct {
	net.Listener
	handler http.Handler
}

// sockets are opened all, or none.
type sockets []socket

func (s *sockets) listen(address, what string, handler http.Handler) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", what, address, err)
	}
	*s = append(*s, socket{l, handler})
	return l, nil
}

func (s *sockets) close() {
	for _, one := range *s {
		_ = one.Close()
	}
}

// listenTLS opens what speaks HTTPS, and says where.
func (s *sockets) listenTLS(t tlsFlags, handler http.Handler, log *slog.Logger) (said string, err error) {
	if t.TLSCertificate == "" {
		return "", nil
	}
	files, err := authority.Open(t.TLSCertificate, t.TLSKey, log)
	if err != nil {
		return "", err
	}
	if t.TLSListen != "" {
		plain, err := net.Listen("tcp", t.TLSListen)
		if err != nil {
			return "", fmt.Errorf("speak HTTPS on %s: %w", t.TLSListen, err)
		}
		*s = append(*s, socket{tls.NewListener(plain, files.Config()), handler})
		said = fmt.Sprintf("starter: speaks HTTPS on https://%s\n", plain.Addr())
	}
	if t.ConnectListen != "" {
		l, err := net.Listen("tcp", t.ConnectListen)
		if err != nil {
			return "", fmt.Errorf("be a proxy on %s: %w", t.ConnectListen, err)
		}
		proxy := authority.NewProxy(t.ConnectName, l.Addr())
		*s = append(*s, socket{l, proxy}, socket{tls.NewListener(proxy, files.Config()), handler})
		said += fmt.Sprintf("starter: is an HTTPS_PROXY on http://%s, to %s alone\n", l.Addr(), joined(t.ConnectName))
	}
	return said, nil
}

// serve answers on all of them until it is told to stop, or one breaks.
func (s *sockets) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, one := range *s {
		group.Go(func() error { return serveHTTP(ctx, one, one.handler) })
	}
	return group.Wait()
}
