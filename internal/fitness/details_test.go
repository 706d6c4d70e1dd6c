package fitness

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/drive"
	"millwright/internal/inventory"
	"millwright/internal/metal"
)

// twoCards is a machine with two disks and two cards on one switch.
func twoCards() *machine {
	m := &machine{
		says: metal.Declared{Machine: "m1", Fitness: metal.Fitness{DisksGB: []int{480, 480}}, Disks: []string{"S1", "S2"}},
		is: inventory.Inventory{Disks: []inventory.Disk{
			{Disk: drive.Disk{Path: "/dev/sda", Serial: "S1", Size: 480e9, Transport: drive.SATA}},
			{Disk: drive.Disk{Path: "/dev/sdb", Serial: "S2", Size: 480e9, Transport: drive.SATA}},
		}},
	}
	for _, n := range []string{"1", "2"} {
		m.says.NICs = append(m.says.NICs, metal.DeclaredNIC{
			MAC: "02:00:00:00:00:0" + n, Port: metal.Port{Switch: "tor-r1", Name: "ae1"}, Member: "xe-0/0/" + n})
		m.is.NICs = append(m.is.NICs, inventory.NIC{Name: "eth" + n, MAC: "02:00:00:00:00:0" + n, Carrier: true,
			Neighbour: &inventory.Neighbour{System: "tor-r1", Port: "xe-0/0/" + n}})
	}
	return m
}

// details are the findings in short.
func details(found []metal.Finding) (all []string) {
	for _, f := range found {
		all = append(all, strings.TrimSpace(string(f.Kind)+" "+f.Part)+": "+f.Detail)
	}
	return all
}

func TestFindingsNameWhatWasExpectedAndWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wreck func(m *machine)
		want  []string
	}{
		"nothing": {func(*machine) {}, nil},
		"swapped cables": {func(m *machine) {
			m.is.NICs[0].Neighbour, m.is.NICs[1].Neighbour = m.is.NICs[1].Neighbour, m.is.NICs[0].Neighbour
		}, []string{
			"swapped-cables 02:00:00:00:00:01: declared at tor-r1:xe-0/0/1 of ae1 is eth1 (02:00:00:00:00:01), and its cable leads to tor-r1:xe-0/0/2, where 02:00:00:00:00:02 is declared",
			"swapped-cables 02:00:00:00:00:02: declared at tor-r1:xe-0/0/2 of ae1 is eth2 (02:00:00:00:00:02), and its cable leads to tor-r1:xe-0/0/1, where 02:00:00:00:00:01 is declared",
		}},
		"a cable to another switch": {func(m *machine) {
			m.is.NICs[0].Neighbour = &inventory.Neighbour{System: "tor-k1", Port: "521", Description: "xe-0/0/9"}
		}, []string{
			"swapped-cables 02:00:00:00:00:01: declared at tor-r1:xe-0/0/1 of ae1 is eth1 (02:00:00:00:00:01), and its cable leads to tor-k1:xe-0/0/9",
		}},
		"a bundle whose members are not declared": {func(m *machine) {
			m.says.NICs[0].Member, m.says.NICs[1].Member = "", ""
			m.is.NICs[0].Neighbour.Port = "xe-0/0/44"
		}, nil},
		"two disks gone": {func(m *machine) { m.is.Disks = nil }, []string{
			"missing-disk S1: the plan says 2 disks, and one of 480 GB is not there: S1",
			"missing-disk S2: the plan says 2 disks, and one of 480 GB is not there: S2",
		}},
		"two disks gone whose serials nobody knows": {func(m *machine) { m.is.Disks, m.says.Disks = nil, nil }, []string{
			"missing-disk 480 GB, number 1: the plan says 2 disks, and one of 480 GB is not there: 480 GB, number 1",
			"missing-disk 480 GB, number 2: the plan says 2 disks, and one of 480 GB is not there: 480 GB, number 2",
		}},
		"the smaller of two disks gone": {func(m *machine) {
			m.says.Fitness.DisksGB, m.says.Disks = []int{480, 500}, nil
			m.is.Disks, m.is.Disks[0].Size = m.is.Disks[:1], 500e9
		}, []string{
			"missing-disk 480 GB, number 1: the plan says 2 disks, and one of 480 GB is not there: 480 GB, number 1",
		}},
		"more disks than anybody has": {func(m *machine) {
			for range 300 {
				m.is.Disks = append(m.is.Disks, inventory.Disk{Disk: drive.Disk{Path: "/dev/sdz", Size: 1e9}})
			}
		}, []string{
			"extra-disk /dev/sdz: the plan says 2 disks, and there are 256: /dev/sdz (serial unknown, 1 GB ssd) is too much",
		}},
		"a cable that is out": {func(m *machine) { m.is.NICs[0].Carrier = false }, []string{
			"no-lldp 02:00:00:00:00:01: declared at tor-r1:xe-0/0/1 of ae1 is eth1 (02:00:00:00:00:01), which has no link",
		}},
		"a switch that says its ports' MACs": {func(m *machine) {
			m.is.NICs[0].Neighbour = &inventory.Neighbour{System: "tor-r1", Port: "00:1b:21:00:00:07", Description: "millwright m1 parked"}
		}, []string{
			"no-lldp 02:00:00:00:00:01: declared at tor-r1:xe-0/0/1 of ae1 is eth1 (02:00:00:00:00:01), and its neighbour calls the port 00:1b:21:00:00:07: on Junos, set protocols lldp port-id-subtype interface-name",
		}},
		"a disk replaced by what was at hand": {func(m *machine) {
			m.is.Disks[1].Serial, m.is.Disks[1].Size, m.is.Disks[1].Rotational = "X9", 4000e9, true
		}, []string{
			"wrong-disk X9: the plan says a disk of 480 GB, and there is /dev/sdb (serial X9, 4000 GB hdd); declared is serial S2, which is not there",
		}},
		"one disk replaced and another gone that the plan does not have": {func(m *machine) {
			m.says.Disks = append(m.says.Disks, "S3")
			m.is.Disks[1].Serial, m.is.Disks[1].Size = "X9", 4000e9
		}, []string{
			"missing-disk S3: declared is serial S3, which is not there",
			"wrong-disk X9: the plan says a disk of 480 GB, and there is /dev/sdb (serial X9, 4000 GB ssd); declared is serial S2, which is not there",
		}},
		"a smaller disk beside one that is too much": {func(m *machine) {
			m.is.Disks = append(m.is.Disks, inventory.Disk{Disk: drive.Disk{Path: "/dev/sdc", Serial: "A0", Size: 470e9, Transport: drive.SATA}})
		}, []string{
			"extra-disk A0: the plan says 2 disks, and there are 3: /dev/sdc (serial A0, 470 GB ssd) is too much",
		}},
		"a disk that is declared and was never in the plan": {func(m *machine) { m.says.Disks = append(m.says.Disks, "S3") }, []string{
			"missing-disk S3: declared is serial S3, which is not there",
		}},
		"a disk that fails and was replaced": {func(m *machine) {
			m.is.Disks[0].Serial, m.is.Disks[0].Health = "X9", drive.Health{Condition: drive.Failing, Reasons: []string{"medium is read only"}}
		}, []string{
			"wrong-disk X9: declared is serial S1, which is not there, and there is /dev/sda (serial X9, 480 GB ssd)",
			"failing-disk X9: /dev/sda (serial X9, 480 GB ssd): medium is read only",
		}},
		"too little memory": {func(m *machine) {
			m.says.Fitness.MemoryGiB = 64
			m.is.Memory = inventory.Memory{Total: 48 << 30, DIMMs: []inventory.DIMM{{Slot: "A1", Size: 16 << 30}, {Slot: "A3", Size: 32 << 30}}}
		}, []string{"missing-memory: the plan says 64 GiB, and there are 48: A1 16384 MiB, A3 32768 MiB"}},
		"a card that nobody can see": {func(m *machine) { m.is.NICs = m.is.NICs[1:] }, []string{
			"missing-nic 02:00:00:00:00:01: declared is 02:00:00:00:00:01, which is not there: eth2 (02:00:00:00:00:02)",
		}},
		"a serial that is a vendor's": {func(m *machine) {
			m.is.System = inventory.System{Vendor: "Supermicro", Serial: "0123456789"}
			m.says.Twins = []metal.MachineID{"m2"}
		}, nil},
		"tables that cannot be read": {func(m *machine) { m.says.Serial = "7XYZ123" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := twoCards()
			c.wreck(m)
			require.Equal(t, c.want, details(m.compare(t)))
		})
	}
}

func TestWithoutAnInventoryThatIsAllThereIsToSay(t *testing.T) {
	t.Parallel()
	for _, hardware := range []string{"", "null", "{", "[]"} {
		found := Compare(metal.Declared{Serial: "S"}, json.RawMessage(hardware))
		require.Len(t, found, 1)
		require.Equal(t, metal.NoInventory, found[0].Kind)
		require.Equal(t, metal.Note, found[0].Severity)
	}
}

// recorded is a machine as its files were: the tables are of a firmware.
func recorded(t *testing.T) inventory.Inventory {
	root := t.TempDir()
	put := func(path, text string) {
		full := filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(text), 0o600))
	}
	tables, err := os.ReadFile("../inventory/testdata/qemu-7.2-seabios.dmi")
	require.NoError(t, err)
	put("sys/firmware/dmi/tables/DMI", string(tables))
	put("sys/devices/system/cpu/cpu0/topology/core_id", "0")
	put("sys/block/nvme0n1/size", "1875385008\n")
	put("sys/block/nvme0n1/device/serial", "S4EV\n")
	put("sys/class/net/eth0/address", "3c:ec:ef:00:00:01\n")
	put("sys/class/net/eth0/carrier", "1\n")
	require.NoError(t, os.Symlink("../../../0000:81:00.0", filepath.Join(root, "sys/class/net/eth0/device")))
	found := inventory.Read(t.Context(), root)
	found.NICs[0].Neighbour = &inventory.Neighbour{Chassis: "00:1b:21:00:00:01", System: "tor-r1", Port: "xe-0/0/7.0"}
	return found
}

func TestARecordedMachineIsAsItIsDeclared(t *testing.T) {
	t.Parallel()
	m := &machine{is: recorded(t)}
	hardware, err := json.Marshal(m.is)
	require.NoError(t, err)
	m.says = metal.Declared{
		Firmware: metal.BIOS, Serial: Serial(hardware), Twins: nil, Disks: []string{"S4EV"},
		NICs: []metal.DeclaredNIC{{MAC: "3c:ec:ef:00:00:01", Port: metal.Port{Switch: "tor-r1", Name: "xe-0/0/7"}}},
		Fitness: metal.Fitness{
			Cores: 1, MemoryGiB: int(m.is.Memory.Total >> 30), DisksGB: []int{960}, DiskTypes: []string{"nvme"},
			Baseline: map[string]string{"bios": m.is.BIOS.Version},
		},
	}
	require.NotEmpty(t, m.says.Serial)
	require.NotZero(t, m.says.Fitness.MemoryGiB)
	require.Empty(t, m.compare(t))
	m.says.Serial, m.says.Twins = "OTHER1", []metal.MachineID{"m2", "m7"}
	require.Equal(t, []string{
		"duplicate-serial: serial " + m.is.System.Serial + " is also that of m2, m7",
		`wrong-serial: it had serial OTHER1, and it says "` + m.is.System.Serial + `"`,
	}, details(m.compare(t)))
}

func TestSerialsThatVendorsForgotAreNone(t *testing.T) {
	t.Parallel()
	for _, serial := range []string{"", "  ", "Default string", "To Be Filled By O.E.M.", "Not Specified", "0123456789", "00000000", "System Serial Number", "N/A", "None", "xxxxxxx"} {
		require.Empty(t, labelled(serial), serial)
	}
	for _, serial := range []string{"7XYZ123", "CZJ0123456789", "0012345", "S123456X7"} {
		require.Equal(t, serial, labelled(serial))
	}
}
