package qemu

import (
	"errors"
	"fmt"
	"io"
)

// Firmware is what the machine runs when it is switched on.
type Firmware string

const (
	BIOS     Firmware = "bios"      // SeaBIOS; network boot by the iPXE in the NIC's ROM
	UEFI     Firmware = "uefi-pxe"  // OVMF; network boot by its own PXE over IPv4 and TFTP
	UEFIHTTP Firmware = "uefi-http" // OVMF; network boot by its own HTTP boot, IPv4 first, then IPv6
)

// Device is what a machine boots from.
type Device string

const (
	Network Device = "network" // the NICs in order, then the disks
	Disk    Device = "disk"    // the disks in order, then the NICs
)

// Bus is what a drive hangs on, and so what its name is in the guest.
type Bus string

const (
	Virtio Bus = "virtio" // /dev/vda
	NVMe   Bus = "nvme"   // /dev/nvme0n1
	AHCI   Bus = "ahci"   // /dev/sda
)

// Drive is a disk of the machine.
type Drive struct {
	File   string // an image that exists
	Format string // raw where it is empty
	Bus    Bus    // Virtio where it is empty
	Serial string // what the disk says its serial number is; the package numbers them where it is empty
}

// NIC is a network card of the machine. With Tap it is that interface of the
// machine's network namespace, which the caller made (ip tuntap add mode tap)
// and has set up; without, it is QEMU's user networking, behind its own NAT,
// DHCP and TFTP.
type NIC struct {
	MAC  string
	Tap  string
	User string // further options of -netdev user, such as hostfwd=tcp:127.0.0.1:2222-:22
	// Model is QEMU's name of the card: virtio-net-pci where it is empty, which is
	// the only one that OVMF has a driver for; others bring iPXE as their ROM.
	Model string
}

// Config is a machine as it stands in the rack.
type Config struct {
	Name     string // for errors and the process list
	Dir      string // an existing folder for what the firmware remembers
	Firmware Firmware
	Memory   int // MiB; 1024 where it is zero
	CPUs     int // 1 where it is zero
	NICs     []NIC
	Disks    []Drive
	// First is what the machine boots from at each reset; the disk where it is
	// empty. With Once, that holds for the first boot, and the disk goes first at
	// every reset after it, as a BMC's boot override does it.
	First Device
	Once  bool
	// Namespace is the path of the network namespace to run in, such as
	// /run/netns/rack or /proc/4711/ns/net; the caller's own where it is empty.
	Namespace string
	// Console gets what the machine says on its serial line; a net.Conn is one,
	// too. Serial is QEMU's description of a character device that takes its place
	// and lets one type, such as
	// socket,host=127.0.0.1,port=9002,server=on,wait=off.
	Console io.Writer
	Serial  string
	IPMI    string // host:port where an external BMC such as ipmi_sim waits for its machine
	TCG     bool   // never use KVM, for tests whose times are to be compared
	// Kernel, Initrd and Append start Linux without firmware, where given.
	Kernel, Initrd, Append string
	More                   []string // further arguments, for what is not modelled here
}

// withDefaults is the configuration that is run.
func (c Config) withDefaults() Config {
	if c.Memory == 0 {
		c.Memory = 1024
	}
	if c.CPUs == 0 {
		c.CPUs = 1
	}
	if c.First == "" {
		c.First = Disk
	}
	return c
}

func (c Config) check() error {
	switch {
	case c.Name == "" || c.Dir == "":
		return errors.New("a QEMU machine needs a name and a folder")
	case c.Firmware != BIOS && c.Firmware != UEFI && c.Firmware != UEFIHTTP:
		return fmt.Errorf("machine %s: firmware %q: want %s, %s or %s", c.Name, c.Firmware, BIOS, UEFI, UEFIHTTP)
	case c.First != Network && c.First != Disk:
		return fmt.Errorf("machine %s: boots %q first: want %s or %s", c.Name, c.First, Network, Disk)
	}
	for _, d := range c.Disks {
		if d.File == "" || d.Bus != "" && buses[d.Bus] == "" {
			return fmt.Errorf("machine %s: disk %q on bus %q: want a file on %s, %s or %s", c.Name, d.File, d.Bus, Virtio, NVMe, AHCI)
		}
	}
	return nil
}
