package dhcp

import (
	"bytes"
	"encoding/binary"

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

// clientOf tells who is asking. iPXE comes first, because it repeats the
// vendor class and architecture of the firmware that it replaced.
func clientOf(req *dhcpv4.DHCPv4) Client {
	// iPXE writes its user class bare, where RFC 3004 wants a length before it:
	// look for the word in either form.
	if bytes.Contains(req.Options.Get(dhcpv4.OptionUserClassInformation), classIPXE) {
		return ClientIPXE
	}
	class := req.Options.Get(dhcpv4.OptionClassIdentifier)
	switch {
	case bytes.HasPrefix(class, classHTTP):
		return httpClient(arch(req))
	case bytes.HasPrefix(class, classPXE):
		return pxeClient(arch(req))
	}
	return ClientOS
}

// arch reads option 93, the first where several are offered. A ROM that omits
// it is taken for a PC BIOS, the only kind of that age (RFC 4578 section 2.1).
func arch(req *dhcpv4.DHCPv4) iana.Arch {
	list := req.Options.Get(dhcpv4.OptionClientSystemArchitectureType)
	if len(list) < 2 {
		return iana.INTEL_X86PC
	}
	return iana.Arch(binary.BigEndian.Uint16(list))
}

func pxeClient(a iana.Arch) Client {
	switch a {
	case iana.INTEL_X86PC:
		return ClientPXEBIOS
	case iana.EFI_X86_64, iana.EFI_BC: // much x64 firmware calls itself 9, EFI byte code
		return ClientPXEx64
	case iana.EFI_ARM64:
		return ClientPXEarm64
	}
	return ClientUnknown
}

func httpClient(a iana.Arch) Client {
	switch a {
	case iana.EFI_ARM64_HTTP:
		return ClientHTTParm64
	case iana.EFI_X86_HTTP, iana.EFI_X86_64_HTTP, iana.EFI_BC_HTTP,
		iana.INTEL_X86PC: // option 93 left out: the one that is common
		return ClientHTTPx64
	}
	return ClientUnknown
}

// Names of the iPXE programs under TFTP and HTTP. The x64 ones are those of
// Debian's package ipxe; Debian has none for arm64, so that name is ours.
const (
	FileBIOS      = "undionly.kpxe"
	FileUEFI      = "snponly.efi"
	FileUEFIarm64 = "snponly-arm64.efi"
	FileHTTP      = "ipxe.efi"
	FileHTTParm64 = "ipxe-arm64.efi"
)

// bootFile is what the client loads next: a file name for TFTP, a URL where it
// speaks HTTP, nothing for an operating system.
func (s Site) bootFile(c Client) string {
	switch c {
	case ClientIPXE:
		return s.URL + "/boot.ipxe"
	case ClientPXEBIOS:
		return FileBIOS
	case ClientPXEx64:
		return FileUEFI
	case ClientPXEarm64:
		return FileUEFIarm64
	case ClientHTTPx64:
		return s.URL + "/" + FileHTTP
	case ClientHTTParm64:
		return s.URL + "/" + FileHTTParm64
	}
	return ""
}
