package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"millwright/internal/metal"
)

// pieceSize is one write or read: large enough for a disk's full speed, small
// enough that the end of ctx is noticed within a moment.
const pieceSize = 1 << 20

// disk is an open block device, or a file in its place.
type disk struct {
	*os.File
	path string
	size int64
}

func open(path string) (disk, error) {
	// Without O_CREATE: a mistyped device must not become a file in RAM that is
	// erased with success.
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return disk{}, fmt.Errorf("open disk: %w", err)
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		file.Close()
		return disk{}, fmt.Errorf("measure disk %s: %w", path, err)
	}
	return disk{file, path, size}, nil
}

// erase discards what the drive lets be discarded, overwrites all of it, and
// reads all of it back. Discarding alone proves nothing: a drive may ignore it,
// and may say zero of what it still holds.
func (d disk) erase(ctx context.Context) (string, error) {
	how := "overwritten"
	if d.discard() == nil {
		how = "discarded, overwritten"
	}
	if err := d.fill(ctx, zeroes{}, d.size); err != nil {
		return "", err
	}
	zero := make([]byte, pieceSize)
	err := d.each(ctx, d.size, func(at int64, piece []byte) error {
		if !bytes.Equal(piece, zero[:len(piece)]) {
			return fmt.Errorf("not zero within %d bytes from %d: %w", len(piece), at, metal.ErrUnprovenErasure)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %d bytes %s, read back as zero", d.path, d.size, how), nil
}

// zeroes reads as zero for ever.
type zeroes struct{}

// Read gives zeroes.
func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// fill overwrites the first size bytes, and returns once the drive has them.
func (d disk) fill(ctx context.Context, content io.Reader, size int64) error {
	buffer := make([]byte, pieceSize)
	for at := int64(0); at < size; {
		if ctx.Err() != nil {
			return fmt.Errorf("write %s at byte %d: %w", d.path, at, ctx.Err())
		}
		piece := buffer[:min(pieceSize, size-at)]
		if _, err := io.ReadFull(content, piece); err != nil {
			return fmt.Errorf("write %s: content ends at byte %d of %d: %w", d.path, at, size, err)
		}
		if _, err := d.WriteAt(piece, at); err != nil {
			return fmt.Errorf("write %s at byte %d: %w", d.path, at, err)
		}
		at += int64(len(piece))
	}
	if err := d.Sync(); err != nil {
		return fmt.Errorf("flush %s: %w", d.path, err)
	}
	return nil
}

// each hands out the first size bytes as the drive has them, piece by piece.
func (d disk) each(ctx context.Context, size int64, use func(at int64, piece []byte) error) error {
	// What was just written is in memory, and reading it there proves nothing
	// about the drive.
	if err := d.forget(); err != nil {
		return fmt.Errorf("read %s: drop what memory holds of it: %w", d.path, err)
	}
	buffer := make([]byte, pieceSize)
	for at := int64(0); at < size; {
		if ctx.Err() != nil {
			return fmt.Errorf("read %s at byte %d: %w", d.path, at, ctx.Err())
		}
		piece := buffer[:min(pieceSize, size-at)]
		if n, err := d.ReadAt(piece, at); n < len(piece) {
			return fmt.Errorf("read %s at byte %d: %w", d.path, at, errors.Join(err, io.ErrUnexpectedEOF))
		}
		if err := use(at, piece); err != nil {
			return fmt.Errorf("read %s: %w", d.path, err)
		}
		at += int64(len(piece))
	}
	return nil
}
