package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"millwright/internal/drive"
	"millwright/internal/inventory"
	"millwright/internal/metal"
)

// Hardware is what a machine is made of.
type Hardware struct {
	Vendor, Product, Serial, UUID string
	CPU                           string
	Cores, MemoryGiB              int
	Disks                         []Drive // the first is the one that boots
	NICs                          []NIC   // the first is the one on the Wire
}

// Drive is a disk as it is sold.
type Drive struct {
	Serial string
	SizeGB int    // decimal; 480 where it is zero
	Type   string // "nvme", "ssd" or "hdd"
}

// NIC is a network card's port, and what it is plugged into.
type NIC struct {
	MAC       string
	Mbps      int
	Neighbour inventory.Neighbour // whom it hears speak LLDP
}

// usualGB is the size of a disk of which none was said.
const usualGB = 480

func (d Drive) size() int64 {
	if d.SizeGB == 0 {
		return usualGB * 1e9
	}
	return int64(d.SizeGB) * 1e9
}

// inventory is the first word of an agent: what can be read without waiting.
func (l *life) inventory(context.Context) (string, json.RawMessage) { return l.told(false) }

// neighbours is the second word. A lab's switches speak LLDP at any moment, so
// that nobody waits 30 s for them.
func (l *life) neighbours(context.Context) (string, json.RawMessage) { return l.told(true) }

func (l *life) told(heard bool) (string, json.RawMessage) {
	found := l.look(heard)
	text, err := json.Marshal(found)
	if err != nil {
		text = nil // nothing in it can keep it from being written
	}
	var serials []string
	for _, d := range found.Disks {
		serials = append(serials, d.Serial)
	}
	return fmt.Sprintf("%s, %s firmware, NIC %s, disks %s",
		l.config.Machine.ID, l.config.Machine.Firmware, l.config.MAC, strings.Join(serials, " ")), text
}

// look is what an agent in this machine finds, with what is the matter with it.
func (l *life) look(heard bool) inventory.Inventory {
	h := l.config.Hardware
	found := inventory.Inventory{
		System: inventory.System{Vendor: h.Vendor, Product: h.Product, Serial: h.Serial, UUID: h.UUID},
		BIOS:   inventory.BIOS{Vendor: h.Vendor},
		UEFI:   (l.config.Machine.Firmware != metal.BIOS) != l.has(WrongBootMode),
		CPUs:   []inventory.CPU{{Socket: 0, Model: h.CPU, Cores: h.Cores, Threads: 2 * h.Cores}},
		Memory: l.memory(),
		Disks:  l.drives(),
		NICs:   l.cards(heard),
	}
	if l.has(DuplicateSerial) && l.config.Twin != nil {
		found.System.Serial = l.config.Twin.Serial
	}
	if l.config.Versions != nil {
		var bmc string
		found.BIOS.Version, bmc = l.config.Versions()
		found.BMC = &inventory.BMC{Firmware: bmc, IPMI: "2.0"}
	}
	return found
}

// memory is in four modules, or in one where it cannot be split so.
func (l *life) memory() (m inventory.Memory) {
	h := l.config.Hardware
	count, gib := 4, h.MemoryGiB/4
	if h.MemoryGiB%4 != 0 {
		count, gib = 1, h.MemoryGiB
	}
	if l.has(MissingDIMM) {
		count--
	}
	for i := range count {
		m.DIMMs = append(m.DIMMs, inventory.DIMM{
			Slot: fmt.Sprintf("DIMM_A%d", i+1), Size: int64(gib) << 30, Speed: 3200, Maker: h.Vendor, Serial: fmt.Sprintf("%s-D%d", h.Serial, i+1),
		})
	}
	m.Total = int64(count*gib) << 30
	return m
}

// drives are the disks as they are found: MissingDisk is the last one's, the
// other faults are the first one's.
func (l *life) drives() (all []inventory.Disk) {
	for i, d := range l.config.Hardware.Disks {
		if i == len(l.config.Hardware.Disks)-1 && l.has(MissingDisk) {
			continue
		}
		disk := inventory.Disk{
			Disk: drive.Disk{
				Path: fmt.Sprintf("/dev/sim%d", i), Serial: d.Serial, Vendor: l.config.Hardware.Vendor, Model: "Simulated disk",
				Firmware: "1.0", Size: d.size(), LogicalBlock: 512, Transport: drive.SATA, Rotational: d.Type == "hdd",
			},
			Health: drive.Health{Condition: drive.OK, PowerOnHours: new(uint64(100)), Celsius: new(31)},
		}
		if d.Type == "nvme" {
			disk.Transport = drive.NVMe
		}
		if i == 0 && l.has(WrongDisk) {
			disk.Size /= 2
		}
		if i == 0 && l.has(FailingDisk) {
			disk.Health = drive.Health{Condition: drive.Failing, Reasons: []string{"SMART says that the disk is about to fail"}, Reallocated: new(uint64(812))}
		}
		all = append(all, disk)
	}
	return all
}

// cards are the NICs, and whom they have heard.
func (l *life) cards(heard bool) (all []inventory.NIC) {
	for i, n := range l.config.Hardware.NICs {
		nic := inventory.NIC{Name: fmt.Sprintf("eth%d", i), MAC: n.MAC, Permanent: n.MAC, Driver: "sim", Firmware: "1.0", Mbps: n.Mbps, Carrier: true}
		if heard && !l.has(NoLLDP) {
			nic.Neighbour = l.plugged(i)
		}
		all = append(all, nic)
	}
	return all
}

// plugged is the other end of a NIC's cable.
func (l *life) plugged(i int) *inventory.Neighbour {
	there := l.config.Hardware.NICs[i].Neighbour
	if twin := l.config.Twin; twin != nil && i < len(twin.NICs) && l.has(SwappedCables) {
		there = twin.NICs[i].Neighbour
	}
	return &there
}
