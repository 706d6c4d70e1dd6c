package machine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"millwright/internal/metal"
)

// lease is what a DHCP conversation ended in.
type lease struct {
	address  netip.Addr
	bootFile string
}

// asks is what kind of program asks, as the options of its messages.
type asks []dhcpv4.Modifier

// tries of firmware and of iPXE before they give up: 1, 2, 4 and 8 s of
// waiting (iPXE src/include/ipxe/dhcp.h; EDK2 waits 4 to 32 s).
const tries = 4

// romOf is what a network boot ROM says of itself (RFC 4578).
func romOf(f metal.Firmware) asks {
	arch, class := iana.INTEL_X86PC, "PXEClient:Arch:00000:UNDI:002001"
	if f == metal.UEFI {
		arch, class = iana.EFI_X86_64, "PXEClient:Arch:00007:UNDI:003000"
	}
	return asks{
		dhcpv4.WithOption(dhcpv4.OptClientArch(arch)),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier(class)),
	}
}

// ipxeOn is the same ROM with iPXE in its place: it adds its user class, bare
// and without the length that RFC 3004 wants.
func ipxeOn(f metal.Firmware) asks {
	return append(romOf(f), dhcpv4.WithOption(dhcpv4.OptUserClass("iPXE")))
}

// installed is an operating system's own client: it wants no boot file.
func installed(hostname string) asks {
	return asks{dhcpv4.WithOption(dhcpv4.OptHostName(hostname))}
}

// discover asks for an address as often as firmware does.
func (l *life) discover(ctx context.Context, as asks) (lease, error) {
	l.enter(DHCP, "")
	err := errors.New("no DHCP answer")
	for i := range tries {
		var got lease
		try, cancel := context.WithTimeout(ctx, l.config.Patience<<i)
		got, err = l.converse(try, as)
		if err == nil {
			cancel()
			return got, nil
		}
		<-try.Done() // the wait before the next try is the rest of this one
		cancel()
		if ctx.Err() != nil {
			break
		}
	}
	return lease{}, fmt.Errorf("machine %s: ask for an address: %w", l.config.Machine.ID, err)
}

// converse is one DISCOVER, OFFER, REQUEST, ACK.
func (l *life) converse(ctx context.Context, as asks) (lease, error) {
	offer, err := l.send(ctx, dhcpv4.MessageTypeDiscover, as)
	if err != nil {
		return lease{}, err
	}
	ack, err := l.send(ctx, dhcpv4.MessageTypeRequest, append(as[:len(as):len(as)],
		dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(offer.YourIPAddr)),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(offer.ServerIdentifier()))))
	if err != nil {
		return lease{}, err
	}
	if ack.MessageType() != dhcpv4.MessageTypeAck {
		return lease{}, fmt.Errorf("request for %s: %s", offer.YourIPAddr, ack.MessageType())
	}
	address, ok := netip.AddrFromSlice(ack.YourIPAddr.To4())
	if !ok {
		return lease{}, fmt.Errorf("ACK with address %v", ack.YourIPAddr)
	}
	return lease{address, ack.BootFileName}, nil
}

func (l *life) send(ctx context.Context, kind dhcpv4.MessageType, as asks) (*dhcpv4.DHCPv4, error) {
	message, err := dhcpv4.New(append(asks{
		dhcpv4.WithMessageType(kind),
		dhcpv4.WithHwAddr(l.config.MAC),
		dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, l.guid())),
	}, as...)...)
	if err != nil {
		return nil, fmt.Errorf("write a %s: %w", kind, err)
	}
	if _, struck := l.strike(DHCPLost); struck {
		return nil, fmt.Errorf("%s: lost", kind)
	}
	return l.config.Wire.Exchange(ctx, message)
}

// guid is the client's GUID, after a byte that says that it is one (RFC 4578
// section 2.3).
func (l *life) guid() []byte {
	sum := sha256.Sum256([]byte(l.config.Machine.ID))
	return append([]byte{0}, sum[:16]...)
}

// configure gives the interface its leased address, and every connection from
// now on comes from it.
func (l *life) configure(got lease) {
	l.hangUp()
	l.lease = got
	from := &net.TCPAddr{IP: got.address.AsSlice()}
	l.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return l.config.Wire.Dial(ctx, from, address)
		},
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     10 * time.Second,
	}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Address = got.address.String()
}

// hangUp closes what connections are left of the life.
func (l *life) hangUp() {
	if l.client != nil {
		l.client.CloseIdleConnections()
	}
}
