package seed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// disk is a block device, or a file that stands for one.
type disk struct {
	*os.File
	size   int64
	sector int64
	device bool
}

func openDisk(path string) (*disk, error) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	d := &disk{File: file, sector: 512}
	if err := d.measure(); err != nil {
		return nil, errors.Join(fmt.Errorf("measure %s: %w", path, err), file.Close())
	}
	return d, nil
}

func (d *disk) measure() error {
	info, err := d.Stat()
	if err != nil {
		return err
	}
	if d.device = info.Mode()&os.ModeDevice != 0; d.device {
		sector, err := unix.IoctlGetInt(int(d.Fd()), unix.BLKSSZGET)
		if err != nil {
			return err
		}
		d.sector = int64(sector)
	}
	d.size, err = d.Seek(0, io.SeekEnd)
	return err
}

func (d *disk) sectors() int64 { return d.size / d.sector }

// writeSectors puts whole sectors in their place.
func (d *disk) writeSectors(p []byte, lba int64) error {
	_, err := d.WriteAt(p, lba*d.sector)
	return err
}

func (d *disk) readSectors(lba, n int64) ([]byte, error) {
	p := make([]byte, n*d.sector)
	_, err := d.ReadAt(p, lba*d.sector)
	return p, err
}

// reread makes the kernel look at the partition table. A file has none that it
// knows of, and some devices are without partitions unless they are told of each.
func (d *disk) reread() error {
	if !d.device {
		return nil
	}
	err := unix.IoctlSetInt(int(d.Fd()), unix.BLKRRPART, 0)
	if err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("have the kernel read the partition table of %s: %w", d.Name(), err)
	}
	return d.introduce()
}

// introduce tells the kernel of each partition that it did not find itself: it
// may have no parser for this kind of table, or not use it on this device.
func (d *disk) introduce() error {
	t, err := readTable(d)
	if errors.Is(err, errNoGPT) {
		return nil // another kind, for which it has only its own parser
	} else if err != nil {
		return err
	}
	for i := range t.count() {
		entry := t.entry(i)
		if !used(entry) {
			continue
		}
		first, last := int64(le.Uint64(entry[atFirst:])), int64(le.Uint64(entry[atLast:]))
		part := unix.BlkpgPartition{Start: first * d.sector, Length: (last - first + 1) * d.sector, Pno: int32(i + 1)}
		arg := unix.BlkpgIoctlArg{Op: unix.BLKPG_ADD_PARTITION, Datalen: int32(unsafe.Sizeof(part)), Data: (*byte)(unsafe.Pointer(&part))}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg)))
		if errno != 0 && errno != unix.EBUSY { // it knows it, or something that overlaps
			return fmt.Errorf("tell the kernel of partition %d of %s: %w", i+1, d.Name(), errno)
		}
	}
	return nil
}
