package ramdisk

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// bundle writes a tree as a tar archive, which a program that runs unpacks as it
// comes. Equal trees give equal bytes. Folders are not in it.
func bundle(to io.Writer, t tree) error {
	records := tar.NewWriter(to)
	for _, name := range slices.Sorted(maps.Keys(t)) {
		f := t[name]
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: f.mode, Size: int64(len(f.body)), Format: tar.FormatPAX}
		if f.link != "" {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, f.link, 0
		}
		if err := records.WriteHeader(header); err != nil {
			return fmt.Errorf("write %s into the archive of tools: %w", name, err)
		}
		if f.link != "" {
			continue
		}
		if _, err := records.Write(f.body); err != nil {
			return fmt.Errorf("write %s into the archive of tools: %w", name, err)
		}
	}
	return records.Close()
}

// compressed is a bundle as it is sent.
func compressed(to io.Writer, t tree) error {
	stream, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("compress the tools: %w", err)
	}
	if err := bundle(stream, t); err != nil {
		return err
	}
	if err := stream.Close(); err != nil {
		return fmt.Errorf("compress the tools: %w", err)
	}
	return nil
}
