package image

import (
	"errors"
	"fmt"
)

var (
	// ErrUnknown says that there is no such image, or no such block in it.
	ErrUnknown = errors.New("no such image or block")
	// ErrCorrupt says that bytes are not those that the index promises.
	ErrCorrupt = errors.New("not what the index promises")
	// ErrChecksum says that a file is not the one that its vendor published.
	ErrChecksum = errors.New("the checksum is not the published one")
	// ErrFormat says that a file cannot be made an image. Its text says why.
	ErrFormat = errors.New("cannot be imported")
	// ErrTar says that a file holds a root file system and no disk: package
	// rootfs makes one of it.
	ErrTar = errors.New("it is a tar, and no disk")
)

// TooSmallError says that an image does not fit onto a disk. Nothing was written.
type TooSmallError struct {
	Disk       string
	Has, Needs int64 // bytes
}

func (e *TooSmallError) Error() string {
	return fmt.Sprintf("disk %s has %d bytes, the image needs %d: choose a larger disk or another image", e.Disk, e.Has, e.Needs)
}

// DiskError says where on which disk reading or writing ended. Err is the
// kernel's word: EIO, ENOSPC.
type DiskError struct {
	Disk   string
	Verb   string // write, read, zero, flush, open
	Offset int64
	Err    error
}

func (e *DiskError) Error() string {
	return fmt.Sprintf("%s disk %s at byte %d: %v", e.Verb, e.Disk, e.Offset, e.Err)
}

func (e *DiskError) Unwrap() error { return e.Err }

// ProofError says that a disk gives back other bytes than were written to it.
type ProofError struct {
	Disk   string
	Block  int64
	Offset int64
}

func (e *ProofError) Error() string {
	return fmt.Sprintf("disk %s gives back other bytes than were written, in block %d at byte %d: replace it", e.Disk, e.Block, e.Offset)
}

// BlockError says which block no server could give, and who was asked last.
type BlockError struct {
	Image  ID
	Block  uint32
	Server string
	Err    error
}

func (e *BlockError) Error() string {
	return fmt.Sprintf("block %d of image %s from %s: %v", e.Block, e.Image, e.Server, e.Err)
}

func (e *BlockError) Unwrap() error { return e.Err }
