package fitness

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"millwright/internal/drive"
	"millwright/internal/inventory"
	"millwright/internal/metal"
)

func TestAMachineExactlyAsDeclaredHasNoFindings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		require.Empty(t, anyMachine(t).compare(t))
	})
}

// defects break one thing of a machine that is as declared.
var defects = []struct {
	name  string
	kind  metal.IssueKind
	wreck func(t *rapid.T, m *machine)
}{
	{"a processor is disabled", metal.WrongCPU, func(_ *rapid.T, m *machine) { m.is.CPUs = m.is.CPUs[1:] }},
	{"a processor is another", metal.WrongCPU, func(_ *rapid.T, m *machine) { m.is.CPUs[0].Cores++ }},
	{"a module is gone", metal.MissingMemory, func(_ *rapid.T, m *machine) {
		m.is.Memory.Total -= m.is.Memory.Total / 5
		m.is.Memory.DIMMs = m.is.Memory.DIMMs[min(1, len(m.is.Memory.DIMMs)):]
	}},
	{"a module is too much", metal.WrongMemory, func(_ *rapid.T, m *machine) {
		m.is.Memory.Total *= 2
		if len(m.is.Memory.DIMMs) > 0 {
			m.is.Memory.DIMMs = append(m.is.Memory.DIMMs, inventory.DIMM{Slot: "B1", Size: 4 << 30})
		}
	}},
	{"a disk is gone", metal.MissingDisk, func(_ *rapid.T, m *machine) { m.is.Disks = m.is.Disks[1:] }},
	{"a disk has another size", metal.WrongDisk, func(t *rapid.T, m *machine) {
		d := &m.is.Disks[rapid.IntRange(0, len(m.is.Disks)-1).Draw(t, "disk")]
		d.Size = d.Size / 10 * 14 // none of the sizes drawn
	}},
	{"a disk has another type", metal.WrongDisk, func(t *rapid.T, m *machine) {
		for range m.says.Fitness.DisksGB[len(m.says.Fitness.DiskTypes):] {
			m.says.Fitness.DiskTypes = append(m.says.Fitness.DiskTypes, "")
		}
		m.says.Fitness.DisksGB, m.says.Fitness.DiskTypes = append(m.says.Fitness.DisksGB, 100), append(m.says.Fitness.DiskTypes, "nvme")
		m.is.Disks = append(m.is.Disks, inventory.Disk{Disk: drive.Disk{Path: "/dev/sdz", Size: 100e9, Transport: drive.SATA}})
	}},
	{"a disk was replaced by one like it", metal.WrongDisk, func(_ *rapid.T, m *machine) {
		m.says.Disks = append(m.says.Disks[:0:0], "S0")
		for i := range m.is.Disks {
			if m.is.Disks[i].Serial == "S0" {
				m.is.Disks[i].Serial = "X9"
			}
		}
	}},
	{"a disk is too much", metal.ExtraDisk, func(_ *rapid.T, m *machine) {
		m.is.Disks = append(m.is.Disks, inventory.Disk{Disk: drive.Disk{Path: "/dev/sdz", Serial: "X9", Size: 480e9, Transport: drive.SAS}})
	}},
	{"a disk fails", metal.FailingDisk, func(_ *rapid.T, m *machine) { m.is.Disks[0].Health.Condition = drive.Failing }},
	{"a disk is worn", metal.WornDisk, func(_ *rapid.T, m *machine) { m.is.Disks[0].Health.Condition = drive.Degraded }},
	{"a card is dead", metal.MissingNIC, func(_ *rapid.T, m *machine) { m.drop() }},
	{"a card was replaced", metal.WrongMAC, func(_ *rapid.T, m *machine) {
		m.nic(0).MAC, m.nic(0).Permanent = "06:00:00:00:00:09", ""
	}},
	{"a cable leads to another port", metal.SwappedCables, func(t *rapid.T, m *machine) {
		m.nic(0).Neighbour = anyNeighbour(t, string(m.says.NICs[0].Port.Switch), "xe-0/0/77")
	}},
	{"a cable leads to another switch", metal.SwappedCables, func(t *rapid.T, m *machine) {
		m.nic(0).Neighbour = anyNeighbour(t, "tor-r11", physical(m.says.NICs[0]))
	}},
	{"a cable is out", metal.NoLLDP, func(_ *rapid.T, m *machine) { m.nic(0).Carrier, m.nic(0).Neighbour = false, nil }},
	{"a switch is silent", metal.NoLLDP, func(_ *rapid.T, m *machine) { m.nic(0).Neighbour = nil }},
	{"a switch does not name its port", metal.NoLLDP, func(_ *rapid.T, m *machine) {
		m.nic(0).Neighbour.Port, m.nic(0).Neighbour.Description = "521", "millwright m1 parked"
	}},
	{"a switch does not name itself", metal.NoLLDP, func(_ *rapid.T, m *machine) {
		m.nic(0).Neighbour.Chassis, m.nic(0).Neighbour.System = "00:1b:21:00:00:01", ""
	}},
	{"a link is slow", metal.SlowLink, func(_ *rapid.T, m *machine) { m.says.Fitness.NICMbps, m.nic(0).Mbps = 1000, 100 }},
	{"the BIOS is old", metal.WrongFirmware, func(_ *rapid.T, m *machine) { m.says.Fitness.Baseline = map[string]string{"bios": "2.12.20"} }},
	{"the BMC is old", metal.WrongFirmware, func(_ *rapid.T, m *machine) { m.says.Fitness.Baseline = map[string]string{"bmc": "6.11.30.00"} }},
	{"a card's firmware is old", metal.WrongFirmware, func(_ *rapid.T, m *machine) {
		m.says.Fitness.Baseline = map[string]string{"nic i40e": "8.40"}
		m.nic(0).Firmware = "7.10 0x8000af82 20.5.13"
	}},
	{"a disk's firmware is old", metal.WrongFirmware, func(_ *rapid.T, m *machine) {
		m.says.Fitness.Baseline = map[string]string{"disk samsung mz7lh480": "HXT7404Q"}
		m.is.Disks[0].Firmware = "HXT7104Q"
	}},
	{"the BIOS lost its settings", metal.WrongBootMode, func(_ *rapid.T, m *machine) { m.is.UEFI = !m.is.UEFI }},
	{"another machine has the serial", metal.DuplicateSerial, func(_ *rapid.T, m *machine) { m.says.Twins = []metal.MachineID{"m7"} }},
	{"the board was replaced", metal.WrongSerial, func(_ *rapid.T, m *machine) { m.is.System.Serial = "To be filled by O.E.M." }},
	{"another machine is there", metal.WrongSerial, func(_ *rapid.T, m *machine) { m.is.System.Serial = "0THER" }},
}

func TestEachSingleDefectGivesExactlyItsKind(t *testing.T) {
	t.Parallel()
	for _, defect := range defects {
		t.Run(defect.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				m := anyMachine(t)
				defect.wreck(t, m)
				found := m.compare(t)
				require.Len(t, found, 1)
				require.Equal(t, defect.kind, found[0].Kind, found[0].Detail)
				require.Equal(t, known(defect.kind).Default, found[0].Severity)
				require.NotEmpty(t, found[0].Detail)
				require.Equal(t, defect.kind != metal.WornDisk, found[0].Blocks(metal.LookCompare), "no such machine becomes idle by itself")
			})
		})
	}
}

func TestEveryKindThatComparingFindsIsTried(t *testing.T) {
	t.Parallel()
	tried := map[metal.IssueKind]bool{metal.NoInventory: true} // below
	for _, defect := range defects {
		tried[defect.kind] = true
	}
	for _, k := range metal.IssueKinds {
		if k.Look == metal.LookCompare {
			require.True(t, tried[k.Kind], "%s", k.Kind)
		}
	}
}

// nic is the card that is declared at a place.
func (m *machine) nic(i int) *inventory.NIC {
	c := comparison{Declared: m.says, is: m.is}
	return c.nic(m.says.NICs[i].MAC)
}

// drop takes the first declared card out.
func (m *machine) drop() {
	gone := m.nic(0)
	var rest []inventory.NIC
	for i := range m.is.NICs {
		if &m.is.NICs[i] != gone {
			rest = append(rest, m.is.NICs[i])
		}
	}
	m.is.NICs = rest
}
