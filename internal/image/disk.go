package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// disk is a block device, or a file that stands for one, past the page cache:
// what it reads comes from the device, and what it wrote is not in our memory.
type disk struct {
	path   string
	file   *os.File
	size   int64
	sector int  // direct I/O starts and ends on these
	device bool // and no file
}

// openDisk refuses a device that is mounted or belongs to an array.
func openDisk(path string) (*disk, error) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_DIRECT|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &DiskError{path, "open", 0, cause(err)}
	}
	d := &disk{path: path, file: file, sector: sector}
	if err := d.measure(); err != nil {
		return nil, errors.Join(&DiskError{path, "measure", 0, cause(err)}, file.Close())
	}
	return d, nil
}

func (d *disk) measure() error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		d.size = info.Size()
		return nil
	case mode&fs.ModeDevice == 0 || mode&fs.ModeCharDevice != 0:
		return errors.New("neither a block device nor a file")
	}
	d.device = true
	if d.size, err = d.file.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	d.sector, err = unix.IoctlGetInt(int(d.file.Fd()), unix.BLKSSZGET)
	return err
}

// fits says whether an image has room.
func (d *disk) fits(ix *Index) error {
	if needs := d.whole(ix.Size); needs > d.size {
		return &TooSmallError{d.path, d.size, needs}
	}
	if d.sector > ix.BlockSize {
		return &DiskError{d.path, "write", 0, fmt.Errorf("its sectors of %d bytes are larger than the image's blocks", d.sector)}
	}
	return nil
}

// whole rounds up to sectors.
func (d *disk) whole(n int64) int64 {
	s := int64(d.sector)
	return (n + s - 1) / s * s
}

// write puts a block onto the disk. Its memory comes from aligned.
func (d *disk) write(raw []byte, offset int64) error {
	full := raw[:d.whole(int64(len(raw)))]
	clear(full[len(raw):])
	if n, err := d.file.WriteAt(full, offset); err != nil {
		return &DiskError{d.path, "write", offset + int64(n), cause(err)}
	}
	return nil
}

// read fills a block from the disk. Its memory comes from aligned.
func (d *disk) read(raw []byte, offset int64) error {
	n, err := d.file.ReadAt(raw[:d.whole(int64(len(raw)))], offset)
	if err != nil {
		return &DiskError{d.path, "read", offset + int64(n), cause(err)}
	}
	return nil
}

// zero makes a part of the disk read as zeros. Punching a hole is a discard
// that the kernel does only where the device promises zeros afterwards; a bare
// BLKDISCARD promises nothing. Without that promise the kernel writes zeros.
func (d *disk) zero(offset, length int64) error {
	err := d.fallocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, offset, length)
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = d.fallocate(unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, offset, length)
	}
	if err != nil {
		return &DiskError{d.path, "zero", offset, err}
	}
	return nil
}

func (d *disk) fallocate(mode uint32, offset, length int64) error {
	for {
		err := unix.Fallocate(int(d.file.Fd()), mode, offset, d.whole(length))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// flush empties the device's own cache.
func (d *disk) flush() error {
	if err := d.file.Sync(); err != nil {
		return &DiskError{d.path, "flush", 0, cause(err)}
	}
	return nil
}

func (d *disk) close() error { return d.file.Close() }

// cause is the kernel's word without Go's "write /dev/sda:" around it, which
// our errors say already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
