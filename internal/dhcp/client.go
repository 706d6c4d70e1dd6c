package dhcp

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// Client is the kind of program that asks, as far as a boot file depends on
// it. Its values are published as metric labels.
type Client string

const (
	ClientOS        Client = "os"         // an installed system or the agent's; boots nothing
	ClientIPXE      Client = "ipxe"       // wants the script
	ClientPXEBIOS   Client = "pxe-bios"   // a legacy ROM; TFTP only
	ClientPXEx64    Client = "pxe-x64"    // UEFI, TFTP
	ClientPXEarm64  Client = "pxe-arm64"  // UEFI, TFTP
	ClientHTTPx64   Client = "http-x64"   // UEFI HTTP boot
	ClientHTTParm64 Client = "http-arm64" // UEFI HTTP boot
	ClientUnknown   Client = "unknown"    // firmware for which there is no program
)

var (
	classHTTP = []byte("HTTPClient")
	classPXE  = []byte("PXEClient")
	classIPXE = []byte("iPXE")
)

// asker is what a client says of itself, in either version of DHCP. Each may be
// missing.
type asker struct {
	user   []byte // user class
	vendor []byte // vendor class
	archs  []byte // architecture types, two bytes each
}

func asker4(req *dhcpv4.DHCPv4) asker {
	return asker{
		user:   req.Options.Get(dhcpv4.OptionUserClassInformation),
		vendor: req.Options.Get(dhcpv4.OptionClassIdentifier),
		archs:  req.Options.Get(dhcpv4.OptionClientSystemArchitectureType),
	}
}

// client tells who is asking. iPXE comes first, because it repeats the vendor
// class and architecture of the firmware that it replaced: were it taken for
// firmware, it would load itself for ever.
func (a asker) client() Client {
	switch {
	// iPXE writes its user class bare, where RFC 3004 wants a length before it:
	// look for the word in either form.
	case bytes.Contains(a.user, classIPXE):
		return ClientIPXE
	case bytes.HasPrefix(a.vendor, classHTTP):
		return a.served(ClientHTTPx64, ClientHTTPx64, ClientHTTParm64)
	case bytes.HasPrefix(a.vendor, classPXE):
		return a.served(ClientPXEBIOS, ClientPXEBIOS, ClientPXEx64, ClientPXEarm64)
	case len(a.archs) >= 2:
		return ClientUnknown // U-Boot, petitboot: they name a processor, and ask for no iPXE
	}
	return ClientOS
}

// served is the first of the client's architectures that is among the wanted,
// for a client may name several. A ROM that names none is of a time when there
// was one kind: a PC BIOS for PXE (RFC 4578 section 2.1), x64 for HTTP.
func (a asker) served(unnamed Client, wanted ...Client) Client {
	if len(a.archs) < 2 {
		return unnamed
	}
	for list := a.archs; len(list) >= 2; list = list[2:] {
		for _, c := range wanted {
			if architectures[iana.Arch(binary.BigEndian.Uint16(list))].client == c {
				return c
			}
		}
	}
	return ClientUnknown
}

// firmware is the name of the client's first architecture, for people.
func (a asker) firmware() string {
	if len(a.archs) < 2 {
		return ""
	}
	number := binary.BigEndian.Uint16(a.archs)
	if known, ok := architectures[iana.Arch(number)]; ok {
		return known.name
	}
	return fmt.Sprintf("architecture %d", number)
}

// bootFile is what the client loads next: a file name for TFTP, a URL where it
// speaks HTTP, nothing for an operating system.
func (s Site) bootFile(c Client) string {
	switch {
	case c == ClientIPXE:
		return s.URL + "/boot.ipxe"
	case c.speaksHTTP():
		return s.URL + "/" + c.program()
	}
	return c.program()
}
