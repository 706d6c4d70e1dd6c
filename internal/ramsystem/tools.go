//go:build linux

package ramsystem

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
)

const (
	toolsSum  = "etc/millwright-tools" // what the tools must be, as package ramdisk wrote it
	toolsDone = "run/millwright-tools" // is there once they are
)

// AddTools unpacks the programs that lie beside the boot files, which from
// opens, and gives them to the system only if they are those that were made
// with it. Once they are there it does nothing, so also for the next agent after
// a crash.
func (s *System) AddTools(from func() (io.ReadCloser, error)) error { return addTools("/", from) }

func addTools(folder string, from func() (io.ReadCloser, error)) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("open the system's folder: %w", err)
	}
	defer root.Close()
	if _, err := root.Stat(toolsDone); err == nil {
		return nil
	}
	want, err := root.ReadFile(toolsSum)
	if err != nil {
		return fmt.Errorf("find out which tools belong to this system: %w", err)
	}
	packed, err := from()
	if err != nil {
		return err
	}
	defer packed.Close()
	got, err := unpack(root, packed)
	if err != nil {
		return fmt.Errorf("unpack the tools: %w", err)
	}
	if got != strings.TrimSpace(string(want)) {
		return errors.New("the tools are not those that were made with this system: boot the machine anew, for the boot service has other files now")
	}
	return root.WriteFile(toolsDone, nil, 0o600)
}

// unpack writes files where they belong, and gives the SHA-256 of all of them.
// Nothing runs of what is there already: the agent does not start a tool before
// all of them are known to be right.
func unpack(root *os.Root, packed io.Reader) (sum string, err error) {
	stream, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return "", err
	}
	defer stream.Close()
	hash := sha256.New()
	plain := io.TeeReader(stream, hash)
	for files := tar.NewReader(plain); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if err := place(root, header, files); err != nil {
			return "", err
		}
	}
	if _, err := io.Copy(io.Discard, plain); err != nil { // the padding behind the end
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func place(root *os.Root, header *tar.Header, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(header.Name), 0o755); err != nil {
		return err
	}
	if header.Typeflag == tar.TypeSymlink {
		err := root.Symlink(header.Linkname, header.Name)
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	// A download that broke off has left half of a file, which is written again.
	file, err := root.OpenFile(header.Name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, os.FileMode(header.Mode).Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}
