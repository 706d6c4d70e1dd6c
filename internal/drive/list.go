package drive

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// sectorSize is the unit of /sys/block/*/size, whatever the disk's own blocks
// are (Documentation/ABI/stable/sysfs-block).
const sectorSize = 512

// list reads one tree of sysfs.
type list struct{ root string }

// List finds the disks under root ("/" on a machine; a recorded tree in tests),
// sorted by path. Loop, RAM, md and device-mapper devices, optical, removable
// and read-only ones, and multipath members are no disks of ours. A disk that
// cannot be described is in the error, and the others are returned all the same.
func List(root string) ([]Disk, error) {
	l := list{root}
	entries, err := os.ReadDir(l.path("sys/block"))
	if err != nil {
		return nil, fmt.Errorf("list disks: %w", err)
	}
	var disks []Disk
	var broken []error
	for _, entry := range entries {
		name := entry.Name()
		if !l.ours(name) {
			continue
		}
		disk, err := l.describe(name)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		disks = append(disks, disk)
	}
	sort.Slice(disks, func(i, j int) bool { return disks[i].Path < disks[j].Path })
	return disks, errors.Join(broken...)
}

// foreign are the kernel's names for what is no disk: a device of RAM or of a
// file, one made of others, a CD, a floppy, flash behind a card reader's boot
// areas, a network's block device.
var foreign = []string{"loop", "ram", "zram", "md", "dm-", "sr", "fd", "nbd", "rbd", "pmem", "mtdblock"}

func (l list) ours(name string) bool {
	for _, prefix := range foreign {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	// nvme0c1n1 is one path of a multipath namespace, with no device node of its own.
	if strings.HasPrefix(name, "nvme") && strings.Contains(name[len("nvme"):], "c") {
		return false
	}
	if strings.Contains(name, "boot") || strings.Contains(name, "rpmb") {
		return false // of eMMC
	}
	return l.read("sys/block", name, "removable") != "1" && l.read("sys/block", name, "ro") != "1" &&
		l.read("sys/block", name, "size") != "0"
}

func (l list) describe(name string) (Disk, error) {
	sectors, err := strconv.ParseInt(l.read("sys/block", name, "size"), 10, 64)
	if err != nil || sectors < 0 || sectors > (1<<63-1)/sectorSize {
		return Disk{}, fmt.Errorf("list disks: size of /dev/%s is not readable in %s", name, l.path("sys/block", name, "size"))
	}
	disk := Disk{
		Path:         filepath.Join("/dev", name),
		Size:         sectors * sectorSize,
		LogicalBlock: sectorSize,
		Rotational:   l.read("sys/block", name, "queue/rotational") == "1",
		Zeroes:       l.number("sys/block", name, "queue/write_zeroes_max_bytes") > 0,
	}
	if block := l.number("sys/block", name, "queue/logical_block_size"); block > 0 {
		disk.LogicalBlock = int(block)
	}
	disk.Transport = l.transport(name)
	l.name(&disk, name)
	return disk, nil
}

// transport is told by the kernel's name, and for SCSI by where the device
// hangs: libata's ports are called ata1 and so on, and its disks say "ATA" for
// a vendor even behind a SAS controller.
func (l list) transport(name string) Transport {
	switch {
	case strings.HasPrefix(name, "nvme"):
		return NVMe
	case strings.HasPrefix(name, "vd"):
		return Virtio
	case !strings.HasPrefix(name, "sd"):
		return Other
	case l.read("sys/block", name, "device/vendor") == "ATA":
		return SATA
	}
	return SAS
}

// name fills who made the disk. Each bus has its own files for it.
func (l list) name(disk *Disk, name string) {
	of := func(file string) string { return l.read("sys/block", name, file) }
	disk.Model, disk.Vendor = of("device/model"), of("device/vendor")
	disk.Serial, disk.WWN = of("device/serial"), first(of("wwid"), of("device/wwid"))
	disk.Firmware = first(of("device/firmware_rev"), of("device/rev"))
	switch disk.Transport {
	case Virtio:
		disk.Serial, disk.Vendor = of("serial"), ""
	case SATA:
		disk.Vendor = ""
		disk.Serial = first(l.page80(name), disk.Serial)
	case SAS:
		disk.Serial = first(l.page80(name), disk.Serial)
	}
}

// page80 is the Unit Serial Number page as the kernel has it (SPC-5 7.7.20):
// four bytes of header, then the serial.
func (l list) page80(name string) string {
	page, err := os.ReadFile(l.path("sys/block", name, "device/vpd_pg80"))
	if err != nil || len(page) < 4 {
		return ""
	}
	return printable(page[4:])
}

func first(words ...string) string {
	for _, word := range words {
		if word != "" {
			return word
		}
	}
	return ""
}

func (l list) path(parts ...string) string {
	return filepath.Join(append([]string{l.root}, parts...)...)
}

// read gives a file's content, or nothing: most files are missing on most disks.
func (l list) read(parts ...string) string {
	text, err := os.ReadFile(l.path(parts...))
	if err != nil {
		return ""
	}
	return printable(text)
}

func (l list) number(parts ...string) int64 {
	n, _ := strconv.ParseInt(l.read(parts...), 10, 64) // none is zero
	return n
}

// printable trims what disks pad their names with, and drops what is not text.
func printable(text []byte) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(text))
	return strings.TrimSpace(clean)
}
