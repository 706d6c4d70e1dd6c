// Package drive knows the disks of a machine: which there are, how they are,
// how their content is made unreadable with proof, and how a system and its
// data are laid out on them.
//
// It speaks to disks: sysfs, Linux's block devices, NVMe, ATA and SCSI
// commands, and the programs mdadm, sfdisk and mkfs. Of the project it imports
// packages metal and erasure, and must not import Temporal, activities, another
// driver, or the network. Errors name the disk
// and what to do; none says what was read from it.
//
//	disks, err := drive.List("/")
//	certificate, err := drive.Erase(ctx, disk, erasure.Full, nil)  // then fill Machine, Device, Boot and sign
//	health, err := drive.CheckHealth(ctx, disk)
//	plan, err := layout.Plan(disks, imageSize)                      // Layout: boot choice, mirror, volumes
//	boot, err := programs.Prepare(ctx, plan)                        // makes the mirror; the path to write the image to
//	err = programs.Format(ctx, plan.Data[0])                        // GPT, one partition, ext4 or xfs, label
//
// # What erases, in the order of preference
//
//	NVMe   sanitize: crypto, block, overwrite; Format NVM with crypto erase, then user data erase
//	ATA    SANITIZE DEVICE: crypto scramble, block erase; SECURITY ERASE UNIT, enhanced, then normal
//	SCSI   SANITIZE: cryptographic, block erase
//	any    discard, where it is documented that what is discarded reads as zero
//	any    overwriting with zeroes
//
// The first that the disk says it has is used. A method that the disk refuses
// before it begins is noted in the certificate and the next is taken. A method
// that began and did not end well is an error: what state the disk is in then
// is for a person to judge.
//
// A sanitize goes on through a reboot. Erase therefore asks first whether one
// is under way, waits for its end, and then reads the whole disk: if all of it
// is zero it is erased, otherwise Erase begins anew.
//
// A namespace that shares its controller with others is never sanitized, nor
// formatted where the controller says that this concerns them all: both would
// erase disks that nobody named.
//
// # What counts as a deterministic discard
//
//	NVMe    DLFEAT bits 2:0 of Identify Namespace are 001b (base 2.0, fig. 97: deallocated reads as 00h)
//	ATA     word 69 bits 14 (DRAT) and 5 (RZAT), word 169 bit 0 (ACS-4 7.12.7)
//	SCSI    LBPME and LBPRZ of READ CAPACITY (16) (SBC-4 5.20.2)
//	virtio  VIRTIO_BLK_F_WRITE_ZEROES, sent by BLKZEROOUT: zeroes are the command's own promise (virtio 1.2, 5.2.6)
//
// Without that promise a discard is a wish, and the disk is overwritten.
//
// # How it is verified
//
// A disk that was overwritten or discarded, and every disk of up to WholeLimit
// bytes, is read whole and must be zero, unless it was encrypted anew or erased
// by a method that does not promise zeroes: then each block must differ from what it held.
// Larger sanitized and formatted disks are sampled, before and after: the first
// and last GiB, and RandomPieces pieces of 1 MiB that the certificate's seed
// chooses. No block of 4096 bytes that held something before may hold it still,
// and some must have held something: if none did, random bytes are written into
// the sample first. Every read bypasses the page cache.
//
// Express (for a machine that stays with its tenant) clears the first and last
// MiB of the disk and of each partition, discards all of it, changes the media
// key where that takes seconds, and reads those places back.
//
// # Programs and modules that the RAM system needs
//
// mdadm, sfdisk, mkfs.ext4, mkfs.xfs; the modules nvme, ahci, sd_mod,
// virtio_blk, virtio_scsi, raid1, md_mod, ext4 and xfs, and the controllers'
// own (mpt3sas, megaraid_sas, …).
package drive
