package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// What no second attempt with the same disk mends, beside
// metal.ErrUnprovenErasure, which Erase adds to each of them.
var (
	ErrFrozen   = errors.New("security commands are frozen by the firmware")
	ErrLocked   = errors.New("locked with a password that is not ours")
	ErrHidden   = errors.New("part of the disk is hidden")
	ErrMedia    = errors.New("media error")
	ErrGone     = errors.New("the disk is gone")
	ErrInUse    = errors.New("the disk is in use")
	ErrNoDisk   = errors.New("no such disk")
	ErrTooSmall = errors.New("the disk is too small")
	errRefused  = errors.New("refused") // before it began: the next method is tried
)

// handle is an open disk. Linux's is in handle_linux.go; tests have disks with
// state that answer with recorded bytes.
type handle interface {
	blocks
	admin
	bus
	Close() error
}

// blocks is a disk's content. Reads and writes go past the page cache: buffers
// are aligned (see buffer), places and lengths are multiples of 4096 bytes or
// end with the disk.
type blocks interface {
	ReadAt(p []byte, at int64) (int, error)
	WriteAt(p []byte, at int64) (int, error)
	Size() (int64, error)
	Flush() error              // returns when the disk has what was written
	Discard(at, n int64) error // BLKDISCARD
	Zero(at, n int64) error    // BLKZEROOUT
	Reread() error             // BLKFLSBUF and BLKRRPART: what the kernel believed may be gone
}

// admin sends a command to an NVMe controller's admin queue.
type admin interface {
	Admin(ctx context.Context, c nvmeCommand) (uint32, error)
	NamespaceID() (uint32, error)
}

// bus sends a SCSI command block, in which ATA commands travel too.
type bus interface {
	Send(ctx context.Context, c scsiCommand) (scsiReply, error)
}

// nvmeCommand is a submission queue entry, as far as it differs among our
// commands (NVMe base 2.0, fig. 86).
type nvmeCommand struct {
	Opcode    uint8
	Namespace uint32
	CDW10     uint32
	CDW11     uint32
	Data      []byte // received
	Timeout   time.Duration
}

// scsiCommand is a command block and its data.
type scsiCommand struct {
	Block   []byte
	Out     []byte // sent, or
	In      []byte // received
	Timeout time.Duration
}

// scsiReply is what a command ended with.
type scsiReply struct {
	Status byte
	Sense  []byte
}

// await runs a call that nothing interrupts, and returns when ctx ends: an
// ioctl may last for hours. What is abandoned ends by itself, with its own
// timeout; fn must own all the memory that it uses.
func await(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- fn() }()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		return err
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// named gives the kernel's word for a disk's trouble one of our names.
func named(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO), errors.Is(err, os.ErrClosed):
		return fmt.Errorf("%w: %w", ErrGone, err)
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENODATA), errors.Is(err, syscall.EILSEQ):
		return fmt.Errorf("%w: %w", ErrMedia, err)
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%w (mounted, or part of an array: stop that first): %w", ErrInUse, err)
	}
	return err
}
