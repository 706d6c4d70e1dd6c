package stack

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Disk is a file system in memory of its own, which can be full for a while.
// Whoever writes to it then is told ENOSPC, as by any disk.
type Disk struct {
	at   string
	size int64
}

// mount makes a folder into a disk. Only root may, and not in every container.
func mount(at string, size int64) (*Disk, error) {
	if err := os.MkdirAll(at, 0o700); err != nil {
		return nil, fmt.Errorf("make the disk of postgres: %w", err)
	}
	if err := unix.Mount("tmpfs", at, "tmpfs", 0, limit(size)); err != nil {
		return nil, fmt.Errorf("mount a disk of %d MiB at %s (as root, where mounting is allowed): %w", size>>20, at, err)
	}
	return &Disk{at: at, size: size}, nil
}

func limit(size int64) string { return "mode=0700,size=" + strconv.FormatInt(size, 10) }

// fillTries is how often Fill measures what is there: a limit below what is
// written meanwhile is refused.
const fillTries = 20

// Fill leaves no room on the disk until Free. It writes no ballast, which would
// take memory from the programs: the disk shrinks to what it holds.
func (d *Disk) Fill() error {
	var err error
	for range fillTries {
		var now unix.Statfs_t
		if err = unix.Statfs(d.at, &now); err != nil {
			break
		}
		held := int64(now.Blocks-now.Bfree) * now.Bsize
		if err = unix.Mount("tmpfs", d.at, "tmpfs", unix.MS_REMOUNT, limit(held)); !errors.Is(err, unix.EINVAL) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("fill the disk at %s: %w", d.at, err)
	}
	return nil
}

// Free gives the disk all its room again.
func (d *Disk) Free() error {
	if err := unix.Mount("tmpfs", d.at, "tmpfs", unix.MS_REMOUNT, limit(d.size)); err != nil {
		return fmt.Errorf("free the disk at %s: %w", d.at, err)
	}
	return nil
}

// unmount takes the disk away, at the latest when nobody has a file of it open.
func (d *Disk) unmount() error {
	if d == nil {
		return nil
	}
	if err := unix.Unmount(d.at, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", d.at, err)
	}
	return nil
}
