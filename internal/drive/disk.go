package drive

import (
	"fmt"
	"strings"
)

// Transport is how a disk is reached, and so which commands it understands.
type Transport string

const (
	NVMe   Transport = "nvme"
	SATA   Transport = "sata"
	SAS    Transport = "sas" // and any other SCSI disk
	Virtio Transport = "virtio"
	Other  Transport = "other" // only read and written
)

// Disk is a disk as sysfs describes it.
type Disk struct {
	Path         string    `json:"path"` // such as /dev/nvme0n1; may change with each boot
	Transport    Transport `json:"transport"`
	Serial       string    `json:"serial,omitempty"`
	WWN          string    `json:"wwn,omitempty"`
	Vendor       string    `json:"vendor,omitempty"`
	Model        string    `json:"model,omitempty"`
	Firmware     string    `json:"firmware,omitempty"`
	Size         int64     `json:"size"`          // in bytes
	LogicalBlock int       `json:"logical_block"` // in bytes
	Rotational   bool      `json:"rotational"`
	// Zeroes says that the kernel may send WRITE ZEROES to it.
	Zeroes bool `json:"-"`
}

// String names the disk for errors and logs.
func (d Disk) String() string {
	name := d.Path
	if d.Serial != "" {
		name += " (serial " + d.Serial + ")"
	}
	return name
}

// is tells whether a person who wrote this serial or WWN meant this disk.
func (d Disk) is(name string) bool {
	return strings.EqualFold(name, d.Serial) || d.WWN != "" && strings.EqualFold(name, d.WWN)
}

// solid sorts flash before spinning disks.
func (d Disk) solid() bool { return !d.Rotational }

// size in words that people compare.
func human(size int64) string {
	return fmt.Sprintf("%d bytes (%.1f GB)", size, float64(size)/1e9)
}
