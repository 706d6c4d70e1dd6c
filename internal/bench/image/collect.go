package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// collect makes a disk of what systems consist of: this machine's libraries and
// programs one behind the other, again from the start if they are few. Behind
// each piece it leaves a gap. It gives the disk's size.
func collect(path string, gap int64) (size int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, w := io.Pipe()
	go func() { w.CloseWithError(pour(w)) }()
	defer func() { _ = r.Close() }()
	for n := int64(0); n < data/piece; n++ {
		if _, err := f.Seek(n*(piece+gap), io.SeekStart); err != nil {
			return 0, err
		}
		if _, err := io.CopyN(f, r, piece); err != nil {
			return 0, err
		}
	}
	size = data / piece * (piece + gap)
	return size, f.Truncate(size)
}

// pour writes files until nobody reads any more.
func pour(w io.Writer) error {
	for {
		for _, folder := range []string{"/usr/lib", "/usr/bin", "/usr/share"} {
			err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
				if err != nil || !e.Type().IsRegular() {
					return nil // what cannot be read is left out
				}
				return pourFile(w, path)
			})
			if err != nil {
				return err
			}
		}
	}
}

func pourFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(w, f)
	return err
}
