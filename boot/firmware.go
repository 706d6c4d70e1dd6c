package main

import (
	"fmt"
	"io"
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
	ear := &ear{service: s, odd: rate.NewLimiter(oddPerSecond, oddBurst)}
	return &dhcp.Server{
		Site:     dhcp.Site{Address: s.Address, URL: s.URL, Lease: s.Lease},
		Machines: s.view,
		Heard:    ear.heard,
	}
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
	case a.Client == dhcp.ClientUnknown && a.Reply != nil:
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
	_, err = to.ReadFrom(f)
	return err
}

// openIPXE opens a file that lies straight in the folder. It follows links out
// of it, because Debian's ipxe.efi is one to /boot.
func (s *service) openIPXE(name string) (*os.File, error) {
	name = strings.TrimPrefix(name, "/") // how some ROMs ask
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("file %q: %w", name, os.ErrNotExist)
	}
	return os.Open(filepath.Join(s.IPXEFolder, name))
}
