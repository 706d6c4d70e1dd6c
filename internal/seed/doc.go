// Package seed gives a disk that an image was written to what the system on it
// needs on its first boot: a small file system with a label, on a partition of
// its own at the disk's end (Plant), and files in file systems of the image
// (Write).
//
// It may be done again from its beginning at any time: a partition that is there
// is filled anew, a file that is there is replaced.
//
// What an image holds is its vendor's and a tenant's word: its partition table
// and its labels are read as such, and no link in its file systems leads a write
// out of them.
//
// It wants Linux, and for Write root and the modules of the image's file
// systems: ext4, xfs, btrfs, vfat. It imports package metal and the standard
// library's like, and must not import a driver, the network, or package agent.
package seed
