package rack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// extents calls f with each piece of a file that is not a hole, in order.
func extents(f *os.File, piece func(offset int64, data []byte) error) error {
	buffer := make([]byte, 1<<20)
	for at := int64(0); ; {
		start, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // holes to the end
		}
		if err != nil {
			return err
		}
		end, err := unix.Seek(int(f.Fd()), start, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		for at = start; at < end; {
			n, err := f.ReadAt(buffer[:min(int64(len(buffer)), end-at)], at)
			if n == 0 && err != nil {
				return err
			}
			if err := piece(at, buffer[:n]); err != nil {
				return err
			}
			at += int64(n)
		}
	}
}

// digest is what is on a disk: the same for the same bytes, wherever the file
// has holes.
func digest(disk string) (string, error) {
	f, err := os.Open(disk)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	err = extents(f, func(offset int64, data []byte) error {
		for len(data) > 0 {
			n := min(4096, len(data))
			if !blank(data[:n]) {
				fmt.Fprintf(sum, "%d ", offset)
				_, _ = sum.Write(data[:n])
			}
			data, offset = data[n:], offset+int64(n)
		}
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// errWritten is a disk that is not empty.
var errWritten = errors.New("it is not empty")

// erased reads a whole disk from outside the machine: nothing on it but zeros.
func erased(disk string) error {
	f, err := os.Open(disk)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size != diskGB*1e9 {
		return fmt.Errorf("disk %s: %d bytes, want %d", disk, size, int64(diskGB*1e9))
	}
	return extents(f, func(offset int64, data []byte) error {
		if !blank(data) {
			return fmt.Errorf("disk %s, within the MiB from byte %d: %w", disk, offset, errWritten)
		}
		return nil
	})
}

// blank says whether all is zero: the first byte is, and each is as the one
// before it. That compares words, where a loop over 4 GB takes minutes in tests
// that look for races.
func blank(data []byte) bool {
	return len(data) == 0 || data[0] == 0 && bytes.Equal(data[1:], data[:len(data)-1])
}
