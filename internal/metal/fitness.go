package metal

import "time"

// Fitness is what a plan expects of its machines. What is zero is not compared.
type Fitness struct {
	Cores     int   `json:"cores"`
	MemoryGiB int   `json:"memory_gib"`
	DisksGB   []int `json:"disks_gb"`

	DiskTypes []string          `json:"disk_types,omitempty"` // "nvme", "ssd" or "hdd", one for each of DisksGB
	NICMbps   int               `json:"nic_mbps,omitempty"`   // that every declared NIC must at least link at
	Baseline  map[string]string `json:"baseline,omitempty"`   // firmware component ("bios", "bmc", …) to version
	Settings  map[string]string `json:"settings,omitempty"`   // BIOS attributes, by the vendor's name
	BurnIn    BurnIn            `json:"burn_in,omitzero"`
}

// BurnIn is how long a machine is tested under load before its first tenant.
// What is zero is not tested.
type BurnIn struct {
	CPU     time.Duration `json:"cpu,omitempty"` // nanoseconds in JSON, as Go writes it
	Memory  time.Duration `json:"memory,omitempty"`
	Disks   time.Duration `json:"disks,omitempty"`
	Network time.Duration `json:"network,omitempty"`
}

// Longest is how long all of it takes.
func (b BurnIn) Longest() time.Duration { return b.CPU + b.Memory + b.Disks + b.Network }

// BurnInResult is what one test of a burn-in found. The figures are the tool's
// own, by a name that says the unit, such as "read_mib_s".
type BurnInResult struct {
	Test    string             `json:"test"`           // "cpu", "memory", "disk", "network"
	Part    string             `json:"part,omitempty"` // a disk's serial, a NIC's MAC
	Passed  bool               `json:"passed"`
	Detail  string             `json:"detail,omitempty"` // why not, in the tool's own words; at most 500 bytes
	Seconds float64            `json:"seconds"`
	Figures map[string]float64 `json:"figures,omitempty"`
}

// Declared is what the records say of a machine, to be held against what is
// found.
type Declared struct {
	Machine  MachineID
	Firmware Firmware
	Plan     PlanID
	Fitness  Fitness
	Serial   string      // as it was first found; empty before that
	Twins    []MachineID // other machines with the serial that was found
	NICs     []DeclaredNIC
	Disks    []string // serials, where they are declared
}

// DeclaredNIC is where a network card is plugged in, by the records.
type DeclaredNIC struct {
	MAC    string
	Port   Port
	Member string // the physical port, where Port is a bundle
}
