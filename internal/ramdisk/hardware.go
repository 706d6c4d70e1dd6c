package ramdisk

// hardware is what servers have, as paths of modules below the kernel's
// folder: a module, or every module of a folder. What they depend on comes by
// itself. A line that names nothing stops the build, unless absent says that
// the architecture has no such thing.
var hardware = []string{
	// Disks, and what they hang on.
	"drivers/nvme/host/nvme", "drivers/pci/controller/vmd", "drivers/ata/ahci", "drivers/ata/ata_piix",
	"drivers/scsi/sd_mod", "drivers/scsi/sg", "drivers/scsi/ses", "drivers/scsi/virtio_scsi", "drivers/block/virtio_blk",
	"drivers/scsi/megaraid/megaraid_sas", "drivers/scsi/mpt3sas/", "drivers/scsi/mpi3mr/", "drivers/scsi/hpsa",
	"drivers/scsi/smartpqi/", "drivers/scsi/aacraid/", "drivers/scsi/arcmsr/", "drivers/scsi/isci/", "drivers/scsi/pm8001/",
	"drivers/message/fusion/mptsas", "drivers/message/fusion/mptspi", "drivers/scsi/vmw_pvscsi",
	"drivers/usb/storage/usb-storage", "drivers/usb/storage/uas", "drivers/usb/host/xhci-pci", "drivers/usb/host/ehci-pci",
	"drivers/usb/host/uhci-hcd", "drivers/block/loop",

	// The network. InfiniBand is left out: no boot service speaks it.
	"drivers/net/virtio_net", "drivers/net/ethernet/intel/", "drivers/net/ethernet/broadcom/", "drivers/net/ethernet/mellanox/mlx4/mlx4_en",
	"drivers/net/ethernet/mellanox/mlx5/core/mlx5_core", "drivers/net/ethernet/amazon/ena/", "drivers/net/ethernet/aquantia/",
	"drivers/net/ethernet/realtek/r8169", "drivers/net/ethernet/chelsio/cxgb4/cxgb4", "drivers/net/ethernet/emulex/benet/",
	"drivers/net/ethernet/qlogic/qede/", "drivers/net/ethernet/sfc/sfc", "drivers/net/ethernet/cisco/enic/",
	"drivers/net/ethernet/amd/xgbe/", "drivers/net/ethernet/google/gve/", "drivers/net/ethernet/pensando/ionic/",
	"drivers/net/ethernet/netronome/nfp/", "drivers/net/ethernet/microsoft/mana/", "drivers/net/vmxnet3/",
	"drivers/net/phy/", "drivers/net/bonding/",
	// BMCs that are reached as a USB network card.
	"drivers/net/usb/cdc_ether", "drivers/net/usb/rndis_host",

	// What is on disks.
	"drivers/md/raid0", "drivers/md/raid1", "drivers/md/raid10", "drivers/md/raid456", "drivers/md/dm-mod", "drivers/md/dm-crypt",
	"fs/ext4/", "fs/xfs/", "fs/btrfs/", "fs/fat/vfat", "fs/nls/nls_ascii", "fs/nls/nls_cp437", "fs/nls/nls_iso8859-1", "fs/nls/nls_utf8",
	"fs/isofs/", "fs/squashfs/", "fs/overlayfs/", "fs/efivarfs/",
	// Ciphers and sums that file systems ask for by name, not by symbol.
	"crypto/crc32c_generic", "crypto/xxhash_generic", "crypto/blake2b_generic", "arch/x86/crypto/crc32c-intel",

	// The board: its BMC, power button, keyboard, random numbers, watchdog.
	"drivers/char/ipmi/", "drivers/acpi/button", "drivers/char/hw_random/virtio-rng",
	"drivers/hid/usbhid/usbhid", "drivers/hid/hid-generic", "drivers/firmware/qemu_fw_cfg",
	"drivers/i2c/busses/i2c-i801", "drivers/watchdog/iTCO_wdt",
	// What counts the errors of memory, and measures the heat of processors.
	"drivers/edac/", "drivers/hwmon/coretemp", "drivers/hwmon/k10temp",
}

// absent is what an architecture has no module for.
var absent = map[string][]string{
	"arm64": {
		"drivers/pci/controller/vmd", "drivers/ata/ata_piix", "drivers/scsi/isci/", "arch/x86/crypto/crc32c-intel",
		"drivers/i2c/busses/i2c-i801", "drivers/watchdog/iTCO_wdt", "drivers/scsi/arcmsr/", "drivers/scsi/vmw_pvscsi",
		"drivers/usb/host/uhci-hcd", "drivers/acpi/button", "drivers/hwmon/coretemp", "drivers/hwmon/k10temp",
	},
}
