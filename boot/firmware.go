package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pin/tftp/v3"
	"golang.org/x/time/rate"

	"millwright/internal/dhcp"
)

// dhcpServer answers from the view, and tells people what it hears.
func (s *service) dhcpServer() *dhcp.Server {
	return &dhcp.Server{
		Site:     dhcp.Site{Address: s.Address, URL: s.URL, Lease: s.Lease},
		Machines: s.view,
		Heard:    s.newEar().heard,
	}
}

func (s *service) dhcp6Server() *dhcp.Server6 {
	return &dhcp.Server6{Site: s.site6(), Machines: s.view, Heard: s.newEar().heard}
}

// site6 has the port of the IPv4 URL: it is one HTTP server.
func (s *service) site6() dhcp.Site6 {
	at := url.URL{Scheme: "http", Host: "[" + s.Address6.String() + "]"}
	if four, err := url.Parse(s.URL); err == nil && four.Port() != "" {
		at.Host += ":" + four.Port()
	}
	return dhcp.Site6{Address: s.Address6, URL: at.String(), Install: s.Install6, Lease: s.Lease}
}

// base is the URL of this service in the family that a request came by.
func (s *service) base(r *http.Request) string {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && local.IP.To4() == nil {
		return s.site6().URL
	}
	return s.URL
}

// asOneFamily lets a machine that speaks from the IPv6 half of its install link
// be known by the IPv4 half, as everything behind this knows it.
func (s *service) asOneFamily(next http.Handler) http.Handler {
	six := s.site6()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if four, ok := six.Four(from.Addr()); err == nil && ok {
			r.RemoteAddr = netip.AddrPortFrom(four, from.Port()).String()
		}
		next.ServeHTTP(w, r)
	})
}

func (s *service) newEar() *ear {
	return &ear{service: s, odd: rate.NewLimiter(oddPerSecond, oddBurst)}
}

// ear counts every packet, and logs the odd ones at a bounded rate: a machine
// that netboots for ever must not fill a disk.
type ear struct {
	*service
	odd *rate.Limiter
}

const (
	oddPerSecond = 2
	oddBurst     = 20 // a rack of them at once is still seen in full
)

func (e *ear) heard(a dhcp.Answer) {
	e.metrics.dhcp.WithLabelValues(a.Type, string(a.Client), string(a.Outcome)).Inc()
	if a.Foreign {
		e.metrics.foreign.Inc()
	}
	if sentence := oddity(a); sentence != "" && e.odd.Allow() {
		e.log.Warn(sentence, "machine", a.Machine, "port", a.Port.String(), "mac", a.MAC, "type", a.Type, "client", a.Client, "firmware", a.Firmware, "outcome", a.Outcome)
	}
}

// oddity is what a person should know of a request; most are none.
func oddity(a dhcp.Answer) string {
	switch {
	case a.Foreign:
		return "DHCP: a MAC that is not of the port's machine: a swapped NIC, or mis-cabling"
	case a.Client == dhcp.ClientUnknown && a.Machine != "":
		return "DHCP: firmware for which there is no boot program"
	case a.Outcome == dhcp.Stranger:
		return "DHCP: a stranger"
	case a.Outcome == dhcp.WrongLink:
		return "DHCP: relayed from another link than the machine's: check the relay's source address"
	case a.Type == "decline":
		return "DHCP: the machine says that its address is in use by somebody else"
	}
	return ""
}

// tftpServer hands iPXE to firmware that speaks nothing better, and takes
// nothing.
func (s *service) tftpServer() *tftp.Server {
	server := tftp.NewServer(s.readIPXE, nil)
	server.SetTimeout(2 * time.Second) // old ROMs wait 4 s for a block before they give up
	return server
}

func (s *service) readIPXE(name string, to io.ReaderFrom) error {
	f, err := s.openIPXE(name)
	if err != nil {
		s.log.Warn("TFTP: no such file", "file", name)
		return fmt.Errorf("no file %q", name)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("no file %q", name)
	}
	if sized, ok := to.(tftp.OutgoingTransfer); ok {
		sized.SetSize(info.Size()) // some ROMs ask for the size first and stop without
	}
	n, err := to.ReadFrom(f)
	s.log.Debug("TFTP", "file", name, "bytes", n, "error", err)
	return err
}

// openIPXE opens a file that lies straight in the folder. It follows links out
// of it, because distributions keep some of these programs in /boot.
func (s *service) openIPXE(name string) (*os.File, error) {
	name = strings.TrimPrefix(name, "/") // how some ROMs ask
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("file %q: %w", name, os.ErrNotExist)
	}
	return os.Open(filepath.Join(s.IPXEFolder, name))
}
