package redfish

import (
	"crypto/sha256"
	"fmt"
	"time"

	"millwright/internal/metal"
)

// Hardware is what stands behind a BMC, as far as its BMC knows.
type Hardware struct {
	Vendor, Model, Serial, UUID string
	Firmware                    metal.Firmware // how it boots, until somebody sets another mode
	CPU                         string
	Cores, MemoryGiB            int
	Disks                       []Disk
	MACs                        []string // of the machine's network cards
	Address                     string   // of the BMC's own LAN
	BIOS, BMC                   string   // firmware versions

	Restart time.Duration // how long the BMC is away when it restarts
	Update  time.Duration // how long a firmware takes to be written
}

// Disk is a drive that the BMC sees.
type Disk struct {
	Serial string
	SizeGB int
	Type   string // "nvme", "ssd" or "hdd"
}

// The firmware that a lab's machines come with, which is what plans of labs
// expect of them.
const (
	BIOSVersion = "2.4.1"
	BMCVersion  = "3.11"
)

// The maker of a lab's machines.
const (
	Vendor = "Millwright"
	Model  = "Lab One"
	CPU    = "Lab Processor 8-Core"
)

// Usual is the hardware of a machine of which no more is known than its name.
func Usual(name string) Hardware {
	return Hardware{
		Vendor: Vendor, Model: Model, Serial: Serial(name), UUID: UUID(name), Firmware: metal.UEFI,
		CPU: CPU, Cores: 8, MemoryGiB: 32, Disks: []Disk{{Serial: Serial(name) + "-1", SizeGB: 480, Type: "ssd"}},
		MACs: []string{"02:00:00:00:00:01"}, Address: "192.0.2.7",
		BIOS: BIOSVersion, BMC: BMCVersion,
		Restart: time.Second, Update: 300 * time.Millisecond,
	}
}

// Serial is what the label of a machine says.
func Serial(name string) string { return "LAB-" + name }

// UUID follows from the name, and is the one that the machine's firmware shows
// in DHCP.
func UUID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// Fit says what hardware the BMC is built into. It is for before the first
// Serve: it undoes whatever was set.
func (b *BMC) Fit(h Hardware) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hardware = h
	b.override = b.factoryBoot()
	b.lan = lan{address: h.Address}
	b.firmware = [2]version{{current: h.BIOS, backup: backupVersion}, {current: h.BMC, backup: backupVersion}}
}

// Relabel gives the machine another serial, as a board does that comes out of
// another machine.
func (b *BMC) Relabel(serial string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hardware.Serial = serial
}

// dimms of a machine are four, or one where its memory cannot be split so.
func (h Hardware) dimms() (count, gib int) {
	if h.MemoryGiB%4 == 0 {
		return 4, h.MemoryGiB / 4
	}
	return 1, h.MemoryGiB
}
