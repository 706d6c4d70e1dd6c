// Package inventory reads what a machine is made of, from inside of it: its
// processors, memory, firmware, disks and their health, network cards and what
// is plugged into them, its BMC, its PCI devices.
//
//	found := inventory.Read(ctx, "/")                        // never fails; at once, without neighbours
//	inventory.AddNeighbours(ctx, &found, inventory.LLDPWait) // listens for LLDP, up to 35 s
//
// What cannot be read is a sentence in Inventory.Notes, never a failure: a
// machine with a broken sensor is still one to be listed. Its JSON stays below
// MaxSize bytes.
//
// It reads sysfs, procfs, SMBIOS tables, /dev/ipmi0, ethtool's ioctls, raw
// Ethernet frames of LLDP, and disks through package drive. It must not import
// Temporal, activities or a driver of anything outside the machine. It changes
// nothing, but for links that are down: AddNeighbours brings them up.
//
// The kernel of the RAM system needs ipmi_si, ipmi_devintf and af_packet beside
// what package drive needs and the network cards' own modules. The tables of
// SMBIOS are in /sys/firmware/dmi/tables without any module.
package inventory
