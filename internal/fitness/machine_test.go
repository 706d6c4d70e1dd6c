package fitness

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/drive"
	"millwright/internal/inventory"
	"millwright/internal/metal"
)

// machine is one that is exactly as declared, until a test breaks it.
type machine struct {
	says metal.Declared
	is   inventory.Inventory
}

func (m *machine) compare(t require.TestingT) []metal.Finding {
	hardware, err := json.Marshal(m.is)
	require.NoError(t, err)
	return Compare(m.says, hardware)
}

// anyMachine draws a plan, and a machine that is as the plan says, each part in
// one of the ways in which that may be.
func anyMachine(t *rapid.T) *machine {
	m := &machine{says: metal.Declared{Machine: "m1", Plan: "c1", Fitness: metal.Fitness{Baseline: map[string]string{}}}}
	m.says.Firmware = rapid.SampledFrom([]metal.Firmware{metal.BIOS, metal.UEFI}).Draw(t, "firmware")
	m.is.UEFI = m.says.Firmware == metal.UEFI
	m.says.Serial = rapid.StringMatching(`[1-9][A-Z]{3}[0-9]{3}`).Draw(t, "serial")
	m.is.System = inventory.System{Vendor: "Dell Inc.", Product: "R640", Serial: m.says.Serial}
	for socket := range rapid.IntRange(1, 4).Draw(t, "sockets") {
		cores := rapid.IntRange(1, 64).Draw(t, "cores")
		m.is.CPUs = append(m.is.CPUs, inventory.CPU{Socket: socket, Model: "Xeon", Cores: cores, Threads: 2 * cores})
		m.says.Fitness.Cores += cores
	}
	m.drawMemory(t)
	m.drawDisks(t)
	m.drawNICs(t)
	m.drawFirmware(t)
	return m
}

func (m *machine) drawMemory(t *rapid.T) {
	const gib = 1 << 30
	size := rapid.SampledFrom([]int64{4, 16, 64}).Draw(t, "module")
	for slot := range rapid.Int64Range(1, 24).Draw(t, "modules") {
		m.is.Memory.DIMMs = append(m.is.Memory.DIMMs, inventory.DIMM{Slot: fmt.Sprintf("A%d", slot+1), Size: size * gib})
		m.is.Memory.Total += size * gib
	}
	m.says.Fitness.MemoryGiB = int(m.is.Memory.Total / gib)
	if rapid.Bool().Draw(t, "only the kernel counts") {
		m.is.Memory = inventory.Memory{Total: m.is.Memory.Total / 1000 * rapid.Int64Range(901, 1000).Draw(t, "left")}
	}
}

func (m *machine) drawDisks(t *rapid.T) {
	typed := rapid.Bool().Draw(t, "disks have types")
	for i := range rapid.IntRange(1, 8).Draw(t, "disks") {
		gb := rapid.SampledFrom([]int{240, 480, 960, 1920, 8000}).Draw(t, "gb")
		kind := rapid.SampledFrom([]string{"nvme", "ssd", "hdd"}).Draw(t, "kind")
		d := inventory.Disk{Disk: drive.Disk{
			Path: fmt.Sprintf("/dev/disk%d", i), Serial: fmt.Sprintf("S%d", i), WWN: fmt.Sprintf("wwn%d", i),
			Size: int64(gb) * 1e7 * rapid.Int64Range(91, 109).Draw(t, "percent"), Transport: drive.SAS, Rotational: kind == "hdd",
		}, Health: drive.Health{Condition: rapid.SampledFrom([]drive.Condition{drive.OK, drive.Unknown}).Draw(t, "condition")}}
		if kind == "nvme" {
			d.Transport = drive.NVMe
		}
		m.is.Disks = append(m.is.Disks, d)
		m.says.Fitness.DisksGB = append(m.says.Fitness.DisksGB, gb)
		if typed {
			m.says.Fitness.DiskTypes = append(m.says.Fitness.DiskTypes, kind)
		}
	}
	switch rapid.SampledFrom([]string{"no", "some", "serials", "names"}).Draw(t, "disks are declared") {
	case "some":
		m.says.Disks = []string{"s0"}
	case "serials":
		for _, d := range m.is.Disks {
			m.says.Disks = append(m.says.Disks, d.Serial)
		}
	case "names":
		for _, d := range m.is.Disks {
			m.says.Disks = append(m.says.Disks, strings.ToUpper(d.WWN))
		}
	}
	m.is.Disks = rapid.Permutation(m.is.Disks).Draw(t, "order of disks")
}

// drawNICs declares some of the cards, each in one of the ways in which switches
// and site files name a port.
func (m *machine) drawNICs(t *rapid.T) {
	m.says.Fitness.NICMbps = rapid.SampledFrom([]int{0, 1000, 10000}).Draw(t, "least speed")
	for i := range rapid.IntRange(1, 4).Draw(t, "cards") {
		sw := rapid.SampledFrom([]metal.SwitchID{"tor-r1", "tor-k1"}).Draw(t, "switch")
		name := fmt.Sprintf("xe-0/0/%d", i)
		says := metal.DeclaredNIC{MAC: fmt.Sprintf("02:00:00:00:00:%02d", i), Port: metal.Port{Switch: sw, Name: name}}
		if rapid.Bool().Draw(t, "bundled") {
			says.Member, says.Port.Name = name, "ae1"
		}
		is := inventory.NIC{
			Name: fmt.Sprintf("eth%d", i), MAC: says.MAC, Carrier: true, Driver: "i40e",
			Mbps: rapid.SampledFrom([]int{0, 10000, 25000}).Draw(t, "speed"), Neighbour: anyNeighbour(t, string(sw), name),
		}
		if rapid.Bool().Draw(t, "bonded") {
			is.MAC, is.Permanent = "02:00:00:00:00:FF", strings.ToUpper(says.MAC)
		}
		m.says.NICs, m.is.NICs = append(m.says.NICs, says), append(m.is.NICs, is)
	}
	m.is.NICs = append(m.is.NICs, inventory.NIC{Name: "idrac", MAC: "06:00:00:00:00:01"})
	m.is.NICs = rapid.Permutation(m.is.NICs).Draw(t, "order of cards")
}

func anyNeighbour(t *rapid.T, sw, port string) *inventory.Neighbour {
	n := inventory.Neighbour{Chassis: "00:1b:21:00:00:01", System: sw + ".example.net"}
	if rapid.Bool().Draw(t, "named by its chassis") {
		n = inventory.Neighbour{Chassis: strings.ToUpper(sw)}
	}
	spelling := rapid.SampledFrom([]string{"name", "unit", "index", "described"}).Draw(t, "spelling")
	switch spelling {
	case "name":
		n.Port, n.Description = port, "millwright m1 parked"
	case "unit":
		n.Port = port + ".0"
	case "index":
		n.Port, n.Description = "521", port
	case "described":
		n.Port, n.Description = "00:1b:21:00:00:07", "to m1 ("+strings.ToUpper(port)+".0)"
	}
	return &n
}

func (m *machine) drawFirmware(t *rapid.T) {
	m.is.BIOS.Version = "2.12.2"
	m.is.BMC = &inventory.BMC{Firmware: "6.10"}
	for i := range m.is.NICs {
		m.is.NICs[i].Firmware = "8.40 0x8000af82 20.5.13"
	}
	for i := range m.is.Disks {
		m.is.Disks[i].Model, m.is.Disks[i].Firmware = "SAMSUNG MZ7LH480", "HXT7404Q"
	}
	if !rapid.Bool().Draw(t, "no baseline") {
		m.says.Fitness.Baseline = map[string]string{
			"bios": "2.12.2", "bmc": rapid.SampledFrom([]string{"6.10.30.00", "iDRAC 9 v6.10", "6.10"}).Draw(t, "bmc"),
			"nic i40e": "8.40", "disk samsung mz7lh480": "HXT7404Q", "lifecycle controller": "1",
		}
	}
}
