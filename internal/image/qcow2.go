package image

import (
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/lima-vm/go-qcow2reader/image/qcow2"
	"github.com/lima-vm/go-qcow2reader/log"
)

// qcow2Header is the format's fixed part: docs/interop/qcow2.rst of QEMU.
type qcow2Header struct {
	Magic                         [4]byte
	Version                       uint32
	BackingOffset                 uint64
	BackingSize                   uint32
	ClusterBits                   uint32
	Size                          uint64
	Crypt                         uint32
	L1Entries                     uint32
	L1Offset                      uint64
	RefcountOffset                uint64
	RefcountClusters              uint32
	Snapshots                     uint32
	SnapshotsOffset               uint64
	Incompatible, Compatible, Own uint64 // version 3 from here on
	RefcountOrder                 uint32
	Length                        uint32
	Compression                   uint8
}

// Bits of Incompatible that do no harm to a reader: refcounts may be off
// (dirty), and clusters may be packed with zstd.
const (
	qcow2Dirty = 1 << 0
	qcow2Zstd  = 1 << 3
)

// openQcow2 reads the disk inside a qcow2 file. Snapshots inside it are passed
// over. The library behind it takes a header at its word: it would open any
// file that is named as backing, and take 32 GiB of memory for an L1 table. So
// the header is checked here, and nothing but bytes is handed on.
func openQcow2(file io.ReaderAt, fileSize int64) (io.Reader, error) {
	h, err := readQcow2Header(file)
	if err == nil {
		err = h.check(fileSize)
	}
	if err != nil {
		return nil, fmt.Errorf("qcow2: %w", err)
	}
	registerQcow2()
	disk, err := qcow2.Open(padded{file, fileSize, 1 << h.ClusterBits}, nil)
	if err == nil {
		err = disk.Readable()
	}
	if err != nil {
		return nil, fmt.Errorf("qcow2: %w: %w", ErrFormat, err)
	}
	return &whole{io.NewSectionReader(disk, 0, int64(h.Size)), int64(h.Size)}, nil
}

func readQcow2Header(file io.ReaderAt) (h qcow2Header, err error) {
	// Version 2 ends after 72 bytes, and a small disk may follow at once.
	r := io.MultiReader(io.NewSectionReader(file, 0, 112), zeros{})
	err = binary.Read(r, binary.BigEndian, &h)
	if h.Version == 2 {
		h.Incompatible, h.Length, h.Compression = 0, 72, 0
	}
	if h.Length <= 104 {
		h.Compression = 0
	}
	return h, err
}

func (h qcow2Header) check(fileSize int64) error {
	refuse := func(why string, args ...any) error {
		return fmt.Errorf("%w: "+why, append([]any{ErrFormat}, args...)...)
	}
	perL1 := uint64(1) << (2*h.ClusterBits - 3) // bytes of disk behind an entry of the first table
	switch {
	case h.Version != 2 && h.Version != 3:
		return refuse("its version is %d, 2 and 3 are known", h.Version)
	case h.BackingOffset != 0:
		return refuse("it lies on top of another file: flatten it with qemu-img convert")
	case h.Crypt != 0:
		return refuse("it is encrypted")
	case h.ClusterBits < 9 || h.ClusterBits > 21:
		return refuse("its clusters have 2^%d bytes", h.ClusterBits)
	case h.Size == 0 || h.Size > Limit:
		return refuse("its disk has %d bytes, the limit is %d", h.Size, int64(Limit))
	case h.Incompatible&^(qcow2Dirty|qcow2Zstd) != 0:
		return refuse("it needs features %#x: convert it with qemu-img convert -o compat=1.1", h.Incompatible)
	case h.Version == 3 && (h.Length < 104 || h.Length > 1<<h.ClusterBits):
		return refuse("its header has %d bytes", h.Length)
	case h.Compression > 1:
		return refuse("its compression is of kind %d", h.Compression)
	case uint64(h.L1Entries) < (h.Size+perL1-1)/perL1 || h.L1Offset == 0 || h.L1Offset > uint64(fileSize) || uint64(h.L1Entries)*8 > uint64(fileSize)-h.L1Offset:
		return refuse("its first table is not within the file: it was cut off")
	}
	return nil
}

// padded is a file that goes on with zeros to the end of its last cluster:
// QEMU may leave those out.
type padded struct {
	file    io.ReaderAt
	size    int64
	cluster int64
}

func (p padded) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > p.size {
		return 0, io.EOF
	}
	n, err := p.file.ReadAt(b[:min(int64(len(b)), p.size-off)], off)
	if n == len(b) || (err != nil && !errors.Is(err, io.EOF)) {
		return n, err
	}
	end := (p.size + p.cluster - 1) / p.cluster * p.cluster
	rest := b[n:min(int64(len(b)), end-off)]
	clear(rest)
	if n += len(rest); n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// whole makes an early end what it is.
type whole struct {
	r    io.Reader
	left int64
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if w.left -= int64(n); w.left > 0 && errors.Is(err, io.EOF) {
		err = fmt.Errorf("the file ends %d bytes before its disk does: %w", w.left, io.ErrUnexpectedEOF)
	}
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// registerQcow2 tells the library how to unpack, once: its table is global.
var registerQcow2 = sync.OnceFunc(func() {
	log.SetWarnFunc(nil)
	qcow2.SetDecompressor(qcow2.CompressionTypeZlib, func(r io.Reader) (io.ReadCloser, error) {
		return filling{flate.NewReader(r)}, nil
	})
	qcow2.SetDecompressor(qcow2.CompressionTypeZstd, func(r io.Reader) (io.ReadCloser, error) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, err
		}
		return filling{z.IOReadCloser()}, nil
	})
})

// filling reads as much as is asked for. The library starts a cluster from its
// beginning for every short read.
type filling struct{ io.ReadCloser }

func (f filling) Read(p []byte) (int, error) {
	n, err := io.ReadFull(f.ReadCloser, p)
	if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}
