package image

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/blake3"
)

// frameLimit bounds a frame. Zstandard adds to what cannot be compressed 3
// bytes for every 128 KiB, and a header of at most 18.
func frameLimit(blockSize int) int { return blockSize + blockSize>>12 + 64 }

// newPacker gives an encoder for blocks. It leaves zstd's own checksum out: our
// hash is stronger, and each byte is checked once.
func newPacker() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), // packed once, unpacked on every machine
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false))
}

// unpacker turns frames into blocks and lets no wrong one pass.
type unpacker struct{ decoder *zstd.Decoder }

// newUnpacker gives one that works for as many callers at once as there are
// processors. It takes no memory for what a frame claims to hold.
func newUnpacker() (unpacker, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true),
		zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxBlock))
	return unpacker{d}, err
}

// unpack fills raw, whose length is the block's, and compares its hash.
func (u unpacker) unpack(frame, raw []byte, sum Hash) error {
	got, err := u.decoder.DecodeAll(frame, raw[:0])
	if err != nil {
		return fmt.Errorf("unpack: %w: %w", ErrCorrupt, err)
	}
	if len(got) != len(raw) {
		return fmt.Errorf("unpack: %d bytes instead of %d: %w", len(got), len(raw), ErrCorrupt)
	}
	if blake3.Sum256(got) != sum {
		return fmt.Errorf("the block's hash is another one: %w", ErrCorrupt)
	}
	return nil
}

// buffers hold one block on its way to the disk.
type buffers struct {
	frame []byte
	raw   []byte // starts where direct I/O may start, and has a little room behind its length
}

func newBuffers(blockSize int) *buffers {
	return &buffers{frame: make([]byte, 0, frameLimit(blockSize)), raw: aligned(blockSize)}
}

// aligned gives memory that starts on a page, as direct I/O wants. The room
// behind lets the decoder take its fast path to the very end.
func aligned(n int) []byte {
	const page = 4096
	b := make([]byte, n+2*page)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (page - 1)
	return b[skip : skip+n : skip+n+page]
}
