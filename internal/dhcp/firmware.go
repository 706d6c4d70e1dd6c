package dhcp

import "github.com/insomniacslk/dhcp/iana"

// firmware is one of IANA's processor architecture types: what option 93 of
// DHCPv4 (RFC 4578) and option 61 of DHCPv6 (RFC 5970) say that a boot program
// has to run on.
type firmware struct {
	name   string // IANA's, for people
	client Client // ClientUnknown: there is no program for it in Debian's package ipxe
}

// architectures is IANA's registry "Processor Architecture Types" of 2026. RFC
// 4578 has 7 and 9 the wrong way round; its erratum 4624 and all firmware agree
// that 7 is x64. Much x64 firmware calls itself 9, EFI byte code, too.
var architectures = map[iana.Arch]firmware{
	iana.INTEL_X86PC:       {"x86 BIOS", ClientPXEBIOS},
	iana.NEC_PC98:          {"NEC/PC98", ClientUnknown},
	iana.EFI_ITANIUM:       {"Itanium", ClientUnknown},
	iana.DEC_ALPHA:         {"DEC Alpha", ClientUnknown},
	iana.ARC_X86:           {"Arc x86", ClientUnknown},
	iana.INTEL_LEAN_CLIENT: {"Intel Lean Client", ClientUnknown},
	iana.EFI_IA32:          {"x86 UEFI", ClientUnknown}, // a 32-bit UEFI cannot run the x64 program
	iana.EFI_X86_64:        {"x64 UEFI", ClientPXEx64},
	iana.EFI_XSCALE:        {"EFI Xscale", ClientUnknown},
	iana.EFI_BC:            {"EBC", ClientPXEx64},
	iana.EFI_ARM32:         {"ARM 32-bit UEFI", ClientUnknown},
	iana.EFI_ARM64:         {"ARM 64-bit UEFI", ClientPXEarm64},
	iana.PPC_OPEN_FIRMWARE: {"PowerPC Open Firmware", ClientUnknown},
	iana.PPC_EPAPR:         {"PowerPC ePAPR", ClientUnknown},
	iana.PPC_OPAL:          {"POWER OPAL v3", ClientUnknown}, // petitboot reads PXELINUX files
	iana.EFI_X86_HTTP:      {"x86 UEFI boot from HTTP", ClientUnknown},
	iana.EFI_X86_64_HTTP:   {"x64 UEFI boot from HTTP", ClientHTTPx64},
	iana.EFI_BC_HTTP:       {"EBC boot from HTTP", ClientHTTPx64},
	iana.EFI_ARM32_HTTP:    {"ARM 32-bit UEFI boot from HTTP", ClientUnknown},
	iana.EFI_ARM64_HTTP:    {"ARM 64-bit UEFI boot from HTTP", ClientHTTParm64},
	iana.INTEL_X86PC_HTTP:  {"x86 BIOS boot from HTTP", ClientUnknown}, // no such firmware was seen to try undionly.kpxe on
	iana.UBOOT_ARM32:       {"ARM 32-bit U-Boot", ClientUnknown},
	iana.UBOOT_ARM64:       {"ARM 64-bit U-Boot", ClientUnknown},
	iana.UBOOT_ARM32_HTTP:  {"ARM 32-bit U-Boot boot from HTTP", ClientUnknown},
	iana.UBOOT_ARM64_HTTP:  {"ARM 64-bit U-Boot boot from HTTP", ClientUnknown},
	iana.EFI_RISCV32:       {"RISC-V 32-bit UEFI", ClientUnknown},
	iana.EFI_RISCV32_HTTP:  {"RISC-V 32-bit UEFI boot from HTTP", ClientUnknown},
	iana.EFI_RISCV64:       {"RISC-V 64-bit UEFI", ClientUnknown},
	iana.EFI_RISCV64_HTTP:  {"RISC-V 64-bit UEFI boot from HTTP", ClientUnknown},
	iana.EFI_RISCV128:      {"RISC-V 128-bit UEFI", ClientUnknown},
	iana.EFI_RISCV128_HTTP: {"RISC-V 128-bit UEFI boot from HTTP", ClientUnknown},
	iana.S390_BASIC:        {"s390 Basic", ClientUnknown},
	iana.S390_EXTENDED:     {"s390 Extended", ClientUnknown},
	iana.EFI_MIPS32:        {"MIPS 32-bit UEFI", ClientUnknown},
	iana.EFI_MIPS64:        {"MIPS 64-bit UEFI", ClientUnknown},
	iana.EFI_SUNWAY32:      {"Sunway 32-bit UEFI", ClientUnknown},
	iana.EFI_SUNWAY64:      {"Sunway 64-bit UEFI", ClientUnknown},
	37:                     {"LoongArch 32-bit UEFI", ClientUnknown},
	38:                     {"LoongArch 32-bit UEFI boot from HTTP", ClientUnknown},
	39:                     {"LoongArch 64-bit UEFI", ClientUnknown},
	40:                     {"LoongArch 64-bit UEFI boot from HTTP", ClientUnknown},
	41:                     {"ARM rpiboot", ClientUnknown},
}

// Names of the iPXE programs under TFTP and HTTP. The x64 ones are those of
// Debian's package ipxe. Debian 12 has none for arm64; the name is Ubuntu's, and
// a site with such machines puts the program beside the others.
//
// UEFI gets the program that uses the firmware's own network driver, over HTTP,
// too: ipxe.efi of 2019, with drivers of its own, does not come back to the
// firmware when its script says exit, so a machine that is to boot its disk
// hangs (Debian 12's package, OVMF 2022.11, seen November 2026).
const (
	FileBIOS  = "undionly.kpxe"
	FileUEFI  = "snponly.efi"
	FileArm64 = "ipxe-arm64.efi"
)

// program is what firmware runs to become iPXE; nothing for other clients.
func (c Client) program() string {
	switch c {
	case ClientPXEBIOS:
		return FileBIOS
	case ClientPXEx64, ClientHTTPx64:
		return FileUEFI
	case ClientPXEarm64, ClientHTTParm64:
		return FileArm64
	}
	return ""
}

// speaksHTTP is of firmware; iPXE speaks it, too, and needs no program.
func (c Client) speaksHTTP() bool { return c == ClientHTTPx64 || c == ClientHTTParm64 }
