package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ovmf are where distributions put UEFI: its code, and the variables that a new
// machine begins with. Without Secure Boot, which no unsigned iPXE passes.
var ovmf = []struct{ code, variables string }{
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},                         // Debian, Ubuntu
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},                               // older ones
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},                     // Fedora
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},                 // Arch
	{"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},               // SUSE
	{"/opt/homebrew/share/qemu/edk2-x86_64-code.fd", "/opt/homebrew/share/qemu/edk2-i386-vars.fd"}, // macOS
}

// errNoOVMF says what to install.
var errNoOVMF = errors.New("no UEFI firmware is here; apt-get install ovmf")

// firmware is the arguments of the machine's firmware. UEFI variables are a
// file of the machine's that lives as long as its folder, as boot entries do.
func (c Config) firmware() ([]string, error) {
	if c.Firmware == BIOS || c.Kernel != "" {
		return nil, nil // QEMU brings SeaBIOS
	}
	for _, f := range ovmf {
		if _, err := os.Stat(f.code); err != nil {
			continue
		}
		own := filepath.Join(c.Dir, "uefi-variables.fd")
		if err := copyOnce(own, f.variables); err != nil {
			return nil, fmt.Errorf("machine %s: make its UEFI variables: %w", c.Name, err)
		}
		return append(c.switches(),
			"-drive", "if=pflash,unit=0,format=raw,readonly=on,file="+f.code,
			"-drive", "if=pflash,unit=1,format=raw,file="+own), nil
	}
	return nil, fmt.Errorf("machine %s: %w", c.Name, errNoOVMF)
}

// switches choose the kind of network boot: OVMF tries PXE by IPv4, PXE by
// IPv6, then HTTP by each, and each silence costs a minute.
func (c Config) switches() []string {
	off := []string{"IPv6PXESupport"}
	if c.Firmware == UEFIHTTP {
		off = append(off, "IPv4PXESupport")
	}
	var args []string
	for _, name := range off {
		args = append(args, "-fw_cfg", "name=opt/org.tianocore/"+name+",string=no")
	}
	return args
}

// copyOnce leaves alone what the machine has already.
func copyOnce(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
