package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// device is a block device of Linux, or a file in its place.
type device struct {
	*os.File
	regular bool
}

// openDisk opens for us alone: a disk that is mounted or part of an array is not
// erased under it. Never with O_CREATE: a mistyped device must not become a file
// in RAM that is erased with success.
func openDisk(path string) (handle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDWR
	if regular := info.Mode().IsRegular(); !regular {
		flags |= unix.O_DIRECT | unix.O_EXCL
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, named(err)
	}
	return device{file, info.Mode().IsRegular()}, nil
}

// openToAsk opens a disk only to ask it about itself: it may be in use.
func openToAsk(path string) (handle, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, named(err)
	}
	return device{File: file}, nil
}

// Size is asked of the device itself.
func (d device) Size() (int64, error) { return d.Seek(0, io.SeekEnd) }

// Flush returns when the disk says that it keeps what was written.
func (d device) Flush() error { return d.Sync() }

// ReadAt reads from the disk: a file's pages are dropped first, a device is
// open past the cache.
func (d device) ReadAt(p []byte, at int64) (int, error) {
	if d.regular {
		if err := unix.Fadvise(int(d.Fd()), at, int64(len(p)), unix.FADV_DONTNEED); err != nil {
			return 0, err
		}
	}
	return d.File.ReadAt(p, at)
}

func (d device) span(request uint, at, n int64) error {
	if d.regular {
		return unix.ENOTTY
	}
	span := [2]uint64{uint64(at), uint64(n)} // as linux/fs.h wants it
	return d.ioctl(request, unsafe.Pointer(&span))
}

// Discard tells the disk that a part is not wanted any more.
func (d device) Discard(at, n int64) error { return d.span(unix.BLKDISCARD, at, n) }

// Zero has the disk write zeroes by a command of its own where it has one.
func (d device) Zero(at, n int64) error { return d.span(unix.BLKZEROOUT, at, n) }

// Reread makes the kernel forget. A disk without partitions refuses the second
// half, which does no harm.
func (d device) Reread() error {
	if d.regular {
		return nil
	}
	if err := d.ioctl(unix.BLKFLSBUF, nil); err != nil {
		return err
	}
	if err := d.ioctl(unix.BLKRRPART, nil); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTTY) {
		return err
	}
	return nil
}

// ioctl keeps the file open for as long as the kernel works on it.
func (d device) ioctl(request uint, arg unsafe.Pointer) error {
	_, err := d.ioctlResult(request, arg)
	return err
}

func (d device) ioctlResult(request uint, arg unsafe.Pointer) (int, error) {
	raw, err := d.SyscallConn()
	if err != nil {
		return 0, err
	}
	var result uintptr
	var errno unix.Errno
	err = raw.Control(func(fd uintptr) {
		result, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(arg))
	})
	if err != nil {
		return 0, err
	}
	if errno != 0 {
		return 0, errno
	}
	return int(result), nil
}

// passthrough is struct nvme_passthru_cmd of linux/nvme_ioctl.h.
type passthrough struct {
	opcode, flags uint8
	_             uint16
	nsid          uint32
	_, _          uint32
	_             uint64 // metadata
	addr          uint64
	_             uint32
	dataLen       uint32
	cdw10, cdw11  uint32
	_, _, _, _    uint32
	timeoutMillis uint32
	result        uint32
}

// nvmeID is NVME_IOCTL_ID, _IO('N', 0x40).
const nvmeID = 0x4E40

// NamespaceID is the number that the controller knows this block device by. The
// one in its path is the kernel's own count.
func (d device) NamespaceID() (uint32, error) {
	id, err := d.ioctlResult(nvmeID, nil)
	return uint32(id), named(err)
}

// nvmeAdmin is NVME_IOCTL_ADMIN_CMD, _IOWR('N', 0x41, struct nvme_passthru_cmd).
const nvmeAdmin = 0xC0484E41

// Admin sends an NVMe command. A status that the controller gives is an nvmeStatus.
func (d device) Admin(ctx context.Context, c nvmeCommand) (uint32, error) {
	data := buffer(len(c.Data)) // its own: the caller may be gone before the answer
	var result uint32
	err := await(ctx, func() error {
		command := passthrough{
			opcode: c.Opcode, nsid: c.Namespace, cdw10: c.CDW10, cdw11: c.CDW11,
			dataLen: uint32(len(data)), timeoutMillis: millis(c.Timeout),
		}
		var pin runtime.Pinner
		defer pin.Unpin()
		if len(data) > 0 {
			pin.Pin(&data[0])
			command.addr = uint64(uintptr(unsafe.Pointer(&data[0])))
		}
		status, err := d.ioctlResult(nvmeAdmin, unsafe.Pointer(&command))
		if err != nil {
			return named(err)
		}
		if status != 0 {
			return nvmeStatus(status & 0x7ff) // without "do not retry" and "more"
		}
		result = command.result
		return nil
	})
	if err != nil {
		return 0, err
	}
	copy(c.Data, data)
	return result, nil
}

// sgHeader is struct sg_io_hdr of scsi/sg.h.
type sgHeader struct {
	interfaceID   int32
	direction     int32
	blockLen      uint8
	maxSense      uint8
	_             uint16
	dataLen       uint32
	data          uintptr
	block         uintptr
	sense         uintptr
	timeoutMillis uint32
	_             uint32
	_             int32
	_             uintptr
	status        uint8
	_, _          uint8
	senseLen      uint8
	host          uint16
	driver        uint16
	_             int32
	_, _          uint32
}

const (
	sgIO       = 0x2285
	sgNone     = -1
	sgToDevice = -2
	sgFrom     = -3
	senseSize  = 64

	driverSense = 0x08 // "look into the sense", which we do anyway
)

// Send sends a SCSI command. A CHECK CONDITION is a reply, not an error.
func (d device) Send(ctx context.Context, c scsiCommand) (scsiReply, error) {
	data, direction := buffer(len(c.In)), int32(sgFrom)
	switch {
	case len(c.Out) > 0:
		data, direction = buffer(len(c.Out)), sgToDevice
		copy(data, c.Out)
	case len(c.In) == 0:
		direction = sgNone
	}
	block := append([]byte(nil), c.Block...)
	sense := make([]byte, senseSize)
	var reply scsiReply
	err := await(ctx, func() error {
		var pin runtime.Pinner
		defer pin.Unpin()
		header := sgHeader{
			interfaceID: 'S', direction: direction, blockLen: uint8(len(block)), maxSense: senseSize,
			dataLen: uint32(len(data)), timeoutMillis: millis(c.Timeout),
		}
		header.block, header.sense = pinned(&pin, block), pinned(&pin, sense)
		if len(data) > 0 {
			header.data = pinned(&pin, data)
		}
		if err := d.ioctl(sgIO, unsafe.Pointer(&header)); err != nil {
			return named(err)
		}
		if header.host != 0 || header.driver&^driverSense != 0 {
			return fmt.Errorf("the bus gave up: host status %#x, driver status %#x", header.host, header.driver)
		}
		reply = scsiReply{Status: header.status, Sense: sense[:min(int(header.senseLen), senseSize)]}
		return nil
	})
	if err != nil {
		return scsiReply{}, err
	}
	copy(c.In, data)
	return reply, nil
}

func pinned(pin *runtime.Pinner, bytes []byte) uintptr {
	pin.Pin(&bytes[0])
	return uintptr(unsafe.Pointer(&bytes[0]))
}

func millis(d time.Duration) uint32 {
	const most = 1 << 31
	return uint32(min(max(d.Milliseconds(), 1000), most))
}
