// Package rootfs makes a bootable disk of a root file system: of a folder, or of
// a tar as vendors and mmdebstrap make them. It needs neither root nor loop
// devices, and one disk boots BIOS and UEFI.
//
// # The disk
//
// GPT, as the cloud images of Debian and Ubuntu have it, with the root file
// system last, so that it can grow onto the rest of a larger disk:
//
//	14  1 MiB   for GRUB's second half, which BIOS firmware cannot find in a file system
//	15  64 MiB  EFI system partition: /EFI/BOOT/BOOTX64.EFI is GRUB. 32 MiB are too small for FAT32
//	 1  the rest, ext4
//
// GRUB has its modules inside, finds the root by its UUID, and reads
// /boot/grub/grub.cfg there, which lists the kernels in /boot. A GRUB that is
// installed in the file system may overwrite that file (update-grub); it does
// not have to be there. There is no signature for Secure Boot.
//
// # One input, one disk
//
// UUIDs follow from what is in the file system, times in it from its newest
// file, so the same input gives the same bytes, and a store of images keeps them
// once. Two things weaken that: another version of e2fsprogs, GRUB or mtools, and a
// folder, whose order its own file system chooses.
//
// # What it runs
//
// Debian's packages e2fsprogs, fdisk, dosfstools, mtools, grub-common,
// grub-pc-bin and grub-efi-amd64-bin; of a tar, tar, and if it is not run by root,
// fakeroot, which remembers owners and devices between unpacking and packing.
//
// The package must not import Temporal, a driver, or package agent or boot.
package rootfs
