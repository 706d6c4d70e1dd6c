package rootfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"millwright/internal/image"
)

// Options may all be left out.
type Options struct {
	// Size is the whole disk's. 0 means as large as the files need, and a quarter more.
	Size int64
	// KernelArguments stand behind root=, such as "console=tty0 console=ttyS0,115200".
	KernelArguments string
	// Sum is what the vendor of a tar published about it.
	Sum image.Checksum
}

// ErrNoKernel says that a root file system cannot boot: it is one for
// containers, or its kernel lies elsewhere than in /boot.
var ErrNoKernel = errors.New("there is no kernel in its /boot (vmlinuz-VERSION): take one that is made for machines, or install a kernel into it")

// Build makes a disk, at out, of a root file system: a folder, whose owners are
// taken as they are, or a tar, packed or not. What is at out is replaced when
// the disk is complete.
func Build(ctx context.Context, from, out string, o Options) error {
	if err := build(ctx, from, out, o); err != nil {
		return fmt.Errorf("make a disk of %s: %w", from, err)
	}
	return nil
}

// job is one disk that is being made.
type job struct {
	Options
	tools
	dir  string // for what is not the disk
	root string // the folder that becomes the root file system
	disk string // the unfinished disk
	ids  names

	attributes []attribute // of a tar's files; those of a folder mke2fs takes over
	tree
	layout
}

func build(ctx context.Context, from, out string, o Options) (err error) {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	j := &job{Options: o, root: from}
	if j.tools, err = findTools(!info.IsDir()); err != nil {
		return err
	}
	// Beside the disk: there is room, and the end of it is a rename.
	if j.dir, err = os.MkdirTemp(filepath.Dir(out), ".disk-*"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(j.dir)) }()
	if !info.IsDir() {
		if err := j.unpack(ctx, from); err != nil {
			return err
		}
	}
	if j.tree, err = survey(j.root); err != nil {
		return err
	}
	if len(j.kernels) == 0 {
		return ErrNoKernel
	}
	if err := j.fill(ctx); err != nil {
		return err
	}
	return os.Rename(j.disk, out)
}

// fill makes the disk, part by part.
func (j *job) fill(ctx context.Context) (err error) {
	j.ids = j.tree.names(j.KernelArguments)
	if j.layout, err = arrange(j.Size, j.tree); err != nil {
		return err
	}
	j.disk = filepath.Join(j.dir, "disk")
	if err := j.partition(ctx); err != nil {
		return err
	}
	if err := j.ext4(ctx); err != nil {
		return err
	}
	core, efi, err := j.grub(ctx)
	if err != nil {
		return err
	}
	if err := j.esp(ctx, efi); err != nil {
		return err
	}
	return j.embed(core)
}

// write makes a file among what is not the disk, and gives its path.
func (j *job) write(name, content string) (string, error) {
	path := filepath.Join(j.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o644)
}
