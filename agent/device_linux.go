package main

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// discard tells the drive that nothing on it is wanted any more. Files and
// spinning disks refuse, which is fine: they are overwritten.
func (d disk) discard() error {
	whole := [2]uint64{0, uint64(d.size)} // offset and length, as linux/fs.h wants them
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), unix.BLKDISCARD, uintptr(unsafe.Pointer(&whole)))
	runtime.KeepAlive(&whole)
	if errno != 0 {
		return errno
	}
	return nil
}

// forget drops the page cache, so that the next read asks the drive. Dirty
// pages would stay: the caller has synced.
func (d disk) forget() error {
	return unix.Fadvise(int(d.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// rereadPartitions lets the kernel see the image's partitions, for a kexec. A
// file has none, and a kernel that refuses finds them at the next boot.
func (d disk) rereadPartitions() {
	_ = unix.IoctlSetInt(int(d.Fd()), unix.BLKRRPART, 0)
}
