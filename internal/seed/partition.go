package seed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// partition is a file system on a disk, as the kernel knows it.
type partition struct {
	name   string // "sda1"
	kind   string
	number uint64 // of the device
}

// find looks for the one file system of a disk with a label.
func find(disk, label string) (found partition, err error) {
	if label == "" {
		return found, errors.New("a file names no file system")
	}
	all, err := partitions(disk)
	if err != nil {
		return found, err
	}
	var seen []string
	for _, p := range all {
		has, err := p.identify()
		if err != nil {
			return found, err
		}
		if has != label {
			seen = append(seen, fmt.Sprintf("%s %q", p.name, has))
			continue
		}
		if found.name != "" {
			return found, fmt.Errorf("both %s and %s have this label", found.name, p.name)
		}
		found = *p
	}
	if found.name == "" {
		return found, fmt.Errorf("no file system has this label; there are %s", strings.Join(seen, ", "))
	}
	return found, nil
}

// partitions asks the kernel, which is made to look first: the image was
// written behind its back.
func partitions(path string) (all []*partition, err error) {
	d, err := openDisk(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var info unix.Stat_t
	if err := unix.Fstat(int(d.Fd()), &info); err != nil {
		return nil, err
	}
	if !d.device {
		return nil, errors.New("not a block device: the kernel does not look for partitions in it")
	}
	if err := d.reread(); err != nil {
		return nil, err
	}
	// What is on the disk itself is a file system of the disk too.
	folder := fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(info.Rdev), unix.Minor(info.Rdev))
	numbers, err := filepath.Glob(filepath.Join(folder, "*", "partition"))
	if err != nil {
		return nil, err
	}
	all = append(all, &partition{name: filepath.Base(path), number: info.Rdev})
	for _, file := range numbers {
		p, err := describe(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func describe(folder string) (*partition, error) {
	text, err := os.ReadFile(filepath.Join(folder, "dev"))
	if err != nil {
		return nil, err
	}
	major, minor, _ := strings.Cut(strings.TrimSpace(string(text)), ":")
	a, err := strconv.ParseUint(major, 10, 32)
	b, err2 := strconv.ParseUint(minor, 10, 32)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("%s/dev: %w", folder, err)
	}
	return &partition{name: filepath.Base(folder), number: unix.Mkdev(uint32(a), uint32(b))}, nil
}

// node makes a device file of its own in a folder: what is in /dev may be late,
// and is somebody else's.
func (p *partition) node(folder string) (string, error) {
	path := filepath.Join(folder, "device")
	if err := unix.Mknod(path, unix.S_IFBLK|0o600, int(p.number)); err != nil {
		return "", fmt.Errorf("make a device file for %s: %w", p.name, err)
	}
	return path, nil
}

// identify reads kind and label.
func (p *partition) identify() (label string, err error) {
	folder, err := os.MkdirTemp("", "millwright-seed-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	node, err := p.node(folder)
	if err != nil {
		return "", err
	}
	file, err := os.Open(node)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", p.name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	p.kind, label = identify(file)
	return label, nil
}

// mounted lends the file system, and brings what was written to the disk.
func (p *partition) mounted(use func(*os.Root) error) (err error) {
	folder, err := os.MkdirTemp("", "millwright-seed-")
	if err != nil {
		return err
	}
	// Not RemoveAll: a file system that stayed mounted would be emptied.
	defer func() { err = errors.Join(err, os.Remove(folder)) }()
	at := filepath.Join(folder, "root")
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(at)) }()
	node, err := p.node(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(node)) }()
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME
	if err := unix.Mount(node, at, p.kind, flags, ""); err != nil {
		return fmt.Errorf("mount %s as %s: %w", p.name, p.kind, err)
	}
	defer func() { err = errors.Join(err, unmount(at)) }()
	root, err := os.OpenRoot(at)
	if err != nil {
		return err
	}
	return errors.Join(use(root), root.Close())
}

func unmount(at string) error {
	if err := unix.Unmount(at, 0); err != nil {
		return fmt.Errorf("unmount %s: %w", at, err)
	}
	return nil
}
