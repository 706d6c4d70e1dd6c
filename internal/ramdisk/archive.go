package ramdisk

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"
)

// archive writes a tree as the kernel unpacks it: a cpio in the form newc,
// compressed. Equal trees give equal bytes: order, times, owners and inode
// numbers are fixed.
func archive(to io.Writer, t tree) error {
	compressed, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	records := cpio.Newc.Writer(compressed)
	for _, record := range layout(t) {
		if err := records.WriteRecord(record); err != nil {
			return fmt.Errorf("write %s into the archive: %w", record.Name, err)
		}
	}
	if err := cpio.WriteTrailer(records); err != nil {
		return fmt.Errorf("end the archive: %w", err)
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("end the archive: %w", err)
	}
	return nil
}

// layout puts every folder before what is in it.
func layout(t tree) []cpio.Record {
	records := []cpio.Record{
		cpio.Directory("dev", 0o755),
		// Without it the kernel gives init neither input nor output.
		cpio.CharDev("dev/console", 0o600, 5, 1),
	}
	made := map[string]bool{".": true, "dev": true}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		records = append(records, folders(path.Dir(name), made)...)
		records = append(records, record(t[name]))
	}
	for i := range records {
		records[i] = cpio.MakeReproducible(records[i])
		records[i].Ino = uint64(i)
	}
	return records
}

func folders(dir string, made map[string]bool) []cpio.Record {
	if made[dir] {
		return nil
	}
	made[dir] = true
	mode := uint64(0o755)
	if dir == "root" {
		mode = 0o700
	}
	return append(folders(path.Dir(dir), made), cpio.Directory(dir, mode))
}

func record(f file) cpio.Record {
	if f.link != "" {
		return cpio.Symlink(f.path, f.link)
	}
	// A reader at offsets, because the writer asks for the size's worth of it.
	return cpio.Record{ReaderAt: bytes.NewReader(f.body), Info: cpio.Info{
		Name: strings.TrimPrefix(f.path, "/"), FileSize: uint64(len(f.body)), Mode: cpio.S_IFREG | uint64(f.mode), NLink: 1,
	}}
}
