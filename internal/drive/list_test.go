package drive

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree writes files of sysfs under a folder, as recorded on machines.
func tree(t *testing.T, files map[string]string) string {
	root := t.TempDir()
	for path, text := range files {
		full := filepath.Join(root, "sys/block", path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(text), 0o600))
	}
	return root
}

var recorded = map[string]string{
	"nvme0n1/size": "1875385008\n", "nvme0n1/queue/rotational": "0\n", "nvme0n1/queue/logical_block_size": "512\n",
	"nvme0n1/device/serial": "S4EVNX0N123456      \n", "nvme0n1/device/model": "SAMSUNG MZQLB960HAJR-00007              \n",
	"nvme0n1/device/firmware_rev": "EDA5402Q\n", "nvme0n1/wwid": "eui.36344730554042550025384500000001\n",
	"nvme0c1n1/size": "1875385008\n",
	"sda/size":       "7814037168\n", "sda/queue/rotational": "1\n", "sda/device/vendor": "ATA     \n", "sda/queue/logical_block_size": "512\n",
	"sda/device/model": "WDC WD4002FYYZ-0\n", "sda/device/rev": "1M03\n", "sda/device/wwid": "naa.50014ee2b5a1c0de\n",
	"sda/device/vpd_pg80": "\x00\x80\x00\x14     WD-WCC131234567", "sda/removable": "0\n", "sda/ro": "0\n",
	"sdb/size": "1562824368\n", "sdb/queue/rotational": "0\n", "sdb/device/vendor": "SEAGATE \n", "sdb/queue/logical_block_size": "4096\n",
	"sdb/device/model": "XS800ME10003    \n", "sdb/device/vpd_pg80": "\x00\x80\x00\x08HLL00ABC",
	"vda/size": "41943040\n", "vda/queue/rotational": "1\n", "vda/serial": "disk-1", "vda/queue/write_zeroes_max_bytes": "2147483136\n",
	"loop0/size": "8\n", "ram0/size": "8\n", "zram0/size": "8\n", "md127/size": "8\n", "dm-0/size": "8\n", "sr0/size": "8\n",
	"sdc/size": "8\n", "sdc/removable": "1\n", "sdd/size": "8\n", "sdd/ro": "1\n", "sde/size": "0\n",
	"mmcblk0boot0/size": "8\n",
}

func TestDisksAreListedByWhatTheyAre(t *testing.T) {
	t.Parallel()
	disks, err := List(tree(t, recorded))
	require.NoError(t, err)
	require.Equal(t, []Disk{
		{Path: "/dev/nvme0n1", Transport: NVMe, Serial: "S4EVNX0N123456", WWN: "eui.36344730554042550025384500000001",
			Model: "SAMSUNG MZQLB960HAJR-00007", Firmware: "EDA5402Q", Size: 960197124096, LogicalBlock: 512},
		{Path: "/dev/sda", Transport: SATA, Serial: "WD-WCC131234567", WWN: "naa.50014ee2b5a1c0de",
			Model: "WDC WD4002FYYZ-0", Firmware: "1M03", Size: 4000787030016, LogicalBlock: 512, Rotational: true},
		{Path: "/dev/sdb", Transport: SAS, Serial: "HLL00ABC", Vendor: "SEAGATE",
			Model: "XS800ME10003", Size: 800166076416, LogicalBlock: 4096},
		{Path: "/dev/vda", Transport: Virtio, Serial: "disk-1", Size: 21474836480, LogicalBlock: 512, Rotational: true, Zeroes: true},
	}, disks)
}

func TestADiskThatCannotBeDescribedDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	files := map[string]string{"sda/size": "what\n", "vda/size": "2048\n"}
	disks, err := List(tree(t, files))
	require.ErrorContains(t, err, "size of /dev/sda")
	require.Len(t, disks, 1)
	_, err = List(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestThisMachinesDisksAreListed(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/sys/block"); err != nil {
		t.Skip("no sysfs on this system")
	}
	disks, err := List("/")
	require.NoError(t, err)
	for _, disk := range disks {
		require.Positive(t, disk.Size, "%s", disk)
		require.NotContains(t, disk.Path, "loop")
	}
}
