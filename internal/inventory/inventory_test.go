package inventory

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/drive"
)

// machine is a recorded tree: two sockets of two cores with two threads, one
// NVMe disk, a card with two ports, a RAID controller.
func machine(t *testing.T) string {
	root := t.TempDir()
	put := func(path, text string) {
		full := filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(text), 0o600))
	}
	link := func(path, target string) {
		full := filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.Symlink(target, full))
	}
	cpuinfo := ""
	for cpu := range 8 {
		topology := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", cpu)
		put(topology+"physical_package_id", fmt.Sprintln(cpu/4))
		put(topology+"core_id", fmt.Sprintln(cpu/2%2))
		cpuinfo += fmt.Sprintf("processor\t: %d\nmodel name\t: Xeon Gold %d\nphysical id\t: %d\n\n", cpu, cpu/4, cpu/4)
	}
	put("sys/devices/system/cpu/cpufreq/boost", "1")
	put("sys/devices/system/cpu/cpu8/online", "0")
	put("proc/cpuinfo", cpuinfo)
	put("proc/meminfo", "MemTotal:       65837908 kB\nMemFree: 1 kB\n")
	put("sys/block/nvme0n1/size", "1875385008\n")
	put("sys/block/nvme0n1/device/serial", "S4EV\n")
	put("sys/firmware/efi/fw_platform_size", "64")
	for port, carrier := range []string{"1", "0"} {
		nic := fmt.Sprintf("sys/class/net/eth%d/", port)
		put(nic+"address", fmt.Sprintf("3c:ec:ef:00:00:0%d\n", port))
		put(nic+"carrier", carrier+"\n")
		put(nic+"speed", []string{"25000\n", "-1\n"}[port])
		link(nic+"device", fmt.Sprintf("../../../0000:81:00.%d", port))
	}
	put("sys/class/net/lo/address", "00:00:00:00:00:00\n")
	put("sys/class/net/bond0/address", "3c:ec:ef:00:00:00\n")
	put("sys/bus/pci/devices/0000:18:00.0/class", "0x010400\n")
	put("sys/bus/pci/devices/0000:18:00.0/vendor", "0x1000\n")
	put("sys/bus/pci/devices/0000:18:00.0/device", "0x005d\n")
	link("sys/bus/pci/devices/0000:18:00.0/driver", "../../../bus/pci/drivers/megaraid_sas")
	put("sys/bus/pci/devices/0000:00:1c.0/class", "0x060400\n")
	return root
}

func TestAMachineIsReadFromItsFiles(t *testing.T) {
	t.Parallel()
	found := Read(t.Context(), machine(t))
	require.Equal(t, []CPU{{0, "Xeon Gold 0", 2, 4}, {1, "Xeon Gold 1", 2, 4}}, found.CPUs)
	require.EqualValues(t, 65837908<<10, found.Memory.Total)
	require.True(t, found.UEFI)
	require.Len(t, found.Disks, 1)
	require.Equal(t, "S4EV", found.Disks[0].Serial)
	require.Equal(t, drive.Unknown, found.Disks[0].Health.Condition)
	require.Equal(t, []NIC{
		{Name: "eth0", MAC: "3c:ec:ef:00:00:00", Mbps: 25000, Carrier: true, PCI: "0000:81:00.0"},
		{Name: "eth1", MAC: "3c:ec:ef:00:00:01", PCI: "0000:81:00.1"},
	}, found.NICs)
	raid := Device{"0000:18:00.0", "010400", "1000", "005d", "megaraid_sas"}
	require.Equal(t, []Device{raid}, found.RAID)
	require.Equal(t, []Device{raid}, found.PCI, "without the bridge")
	require.Nil(t, found.BMC)
	require.Len(t, found.Notes, 1)
	require.Contains(t, found.Notes[0], "SMBIOS")
}

func TestAMachineThatCannotBeReadIsNotesAlone(t *testing.T) {
	t.Parallel()
	found := Read(t.Context(), t.TempDir())
	require.GreaterOrEqual(t, len(found.Notes), 6)
	require.Empty(t, found.Disks)
	text, err := json.Marshal(found)
	require.NoError(t, err)
	require.Contains(t, string(text), `"notes":[`)
}

func TestThisMachineIsRead(t *testing.T) {
	t.Parallel()
	found := Read(t.Context(), "/")
	require.NotEmpty(t, found.CPUs)
	require.Positive(t, found.CPUs[0].Threads)
	require.Greater(t, found.Memory.Total, int64(1<<28))
}

func TestAnInventoryIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 5000)
	r := &reader{root: t.TempDir()}
	for i := range 2000 {
		r.note("%d %s", i, long)
		r.found.PCI = append(r.found.PCI, Device{Address: clip(long), Driver: clip(long)})
		r.found.NICs = append(r.found.NICs, NIC{Name: clip(long), Neighbour: &Neighbour{System: clip(long), Software: clip(long)}})
		r.found.Disks = append(r.found.Disks, Disk{Disk: drive.Disk{Model: clip(long)}})
		r.found.Memory.DIMMs = append(r.found.Memory.DIMMs, DIMM{Part: clip(long), Slot: clip(long)})
	}
	r.bound()
	text, err := json.Marshal(r.found)
	require.NoError(t, err)
	require.LessOrEqual(t, len(text), MaxSize)
	require.NotEmpty(t, r.found.Disks)
}

func TestTextThatDoesNotPrintIsDropped(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ab c", clip("  a\x00b \x1bc\xff\n"))
	require.LessOrEqual(t, len(clip(strings.Repeat("é", 1000))), maxText)
}
