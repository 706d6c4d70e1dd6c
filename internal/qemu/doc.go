// Package qemu starts one QEMU machine that behaves like a server in a rack: it
// boots over the network by a BIOS or by UEFI, from disks behind virtio, NVMe
// or AHCI, with its console on a serial line.
//
// A machine is a process. To switch it on is Start, to pull its plug is Kill,
// and a guest that switches itself off ends it; what survives is what stands in
// files: its disks and, under Config.Dir, its UEFI variables. QMP, on a socket
// that has no path, resets it, presses its power button and changes its boot
// order.
//
// KVM is used where it works and never needed. The package knows QEMU and the
// standard library. It must not import anything of Millwright: who lays cables,
// makes images or answers DHCP is somebody else's business.
//
// It needs Debian's qemu-system-x86, ipxe-qemu for the network boot of a BIOS,
// and ovmf for UEFI.
package qemu
