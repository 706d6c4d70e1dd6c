package seed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"millwright/internal/metal"
)

// Write puts files into file systems of a disk, which must be a block device.
// Each file is there wholly or not at all.
func Write(ctx context.Context, disk string, files []metal.File) error {
	for _, label := range labels(files) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeTo(disk, label, files); err != nil {
			return fmt.Errorf("write first-boot files to %q on %s: %w", label, disk, err)
		}
	}
	return nil
}

// labels are the file systems that files go to, in the order in which they are
// named first.
func labels(files []metal.File) (all []string) {
	seen := map[string]bool{}
	for _, f := range files {
		if !seen[f.Partition] {
			seen[f.Partition] = true
			all = append(all, f.Partition)
		}
	}
	return all
}

func writeTo(disk, label string, files []metal.File) (err error) {
	p, err := find(disk, label)
	if err != nil {
		return err
	}
	return p.mounted(func(root *os.Root) error {
		for _, f := range files {
			if f.Partition != label {
				continue
			}
			if err := put(root, f); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
		}
		return nil
	})
}

// put writes beside and renames. Root keeps every step within the file system,
// whatever links the image has.
func put(root *os.Root, f metal.File) error {
	name := path.Clean(f.Path)
	if f.Path == "" || name == "." || !fs.ValidPath(name) || strings.HasSuffix(f.Path, "/") {
		return errors.New("want a path from the file system's root, without .. and a leading slash")
	}
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	mode := fs.FileMode(f.Mode).Perm()
	if mode == 0 {
		mode = 0o644
	}
	beside := path.Join(path.Dir(name), ".millwright-new")
	if err := root.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := fill(root, beside, mode, f.Body); err != nil {
		return errors.Join(err, root.Remove(beside))
	}
	return root.Rename(beside, name)
}

func fill(root *os.Root, name string, mode fs.FileMode, body []byte) (err error) {
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	// The mask of the process must not decide what a tenant's system reads. FAT
	// has no modes and refuses some.
	if err := file.Chmod(mode); err != nil && !errors.Is(err, unix.EPERM) {
		return err
	}
	if _, err := file.Write(body); err != nil {
		return err
	}
	return file.Sync()
}
