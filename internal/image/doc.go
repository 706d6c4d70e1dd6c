// Package image brings disk images from their vendors onto disks. A Store
// imports what vendors publish and keeps it as blocks; Handler serves a Store,
// or a site's Cache of one; a Writer fetches the blocks, writes them to a disk,
// and proves what it wrote.
//
// # The format
//
// An image is a disk cut into blocks of 1 MiB (other powers of two from 4 KiB
// to 4 MiB are read as well). A block of zeros is a hole: it is neither stored nor
// fetched. Every other block is one zstd frame. The frames lie one behind the
// other in one file, in the order of the index, which is
//
//	8 bytes  "MWIMAGE\n"
//	4        version, 1
//	4        block size
//	8        size of the disk
//	8        number of records
//	40 each  block number (4), length of its frame (4), BLAKE3 of its raw bytes (32)
//
// all big-endian, by ascending block numbers. Where a frame starts is the sum of
// the lengths before it, so frames can neither overlap nor leave the file. The
// index is binary because an image's identity is the SHA-256 of it: there is
// one way to write it, and an agent reads a quarter of a million records of it
// (256 GiB without holes) without taking more memory than they have.
//
// Blocks are hashed with BLAKE3, because each is hashed twice on the machine
// that is installed, when it came and when it was read back, and a disk must
// not wait for it: on a server without SHA instructions (Xeon, 2.5 GHz) one
// core does 195 MB/s of SHA-256, and 1,950 MB/s of BLAKE3.
//
// # Trust
//
// Who has an ID from somebody trusted needs to trust nobody else: the ID proves
// the index, the index each block, and no byte is written before its block is
// proven. So blocks may come from any server, over plain HTTP, from any cache.
// Vendors' files are hostile until their checksum holds, and are parsed as
// such even then.
//
// The package imports the standard library and codecs. It must not import a
// driver, a store of facts, Temporal, or package agent or boot, which use it.
package image
