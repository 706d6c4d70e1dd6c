//go:build linux

package ramsystem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/boot"
	"github.com/u-root/u-root/pkg/boot/bls"
	"github.com/u-root/u-root/pkg/boot/grub"
	"github.com/u-root/u-root/pkg/boot/syslinux"
	"github.com/u-root/u-root/pkg/mount"
	"github.com/u-root/u-root/pkg/mount/block"
	"github.com/u-root/u-root/pkg/ulog"
	"golang.org/x/sys/unix"
)

// errNoEntry is what a disk says that boots by means which only its own boot
// loader knows.
var errNoEntry = errors.New("no partition has a boot entry that can be read (grub, Boot Loader Specification, syslinux)")

// LoadKernel finds what the system on a disk would boot, and loads it for
// Leave(Kexec). It changes nothing on the disk. Every error means the same: let
// the firmware do it, by Leave(Reboot).
func (s *System) LoadKernel(ctx context.Context, disk string) error {
	s.loaded = false
	shelf, err := os.MkdirTemp("/run", "installed-")
	if err != nil {
		return fmt.Errorf("make a place for the file systems of %s: %w", disk, err)
	}
	defer os.RemoveAll(shelf)
	parts, err := partitions(disk)
	if err != nil {
		return err
	}
	mounts, devices := s.mountAll(ctx, shelf, parts)
	defer mounts.UnmountAll(unix.MNT_DETACH)
	entry, err := choose(entries(ctx, mounts, devices))
	if err != nil {
		return fmt.Errorf("find the kernel on %s: %w", disk, err)
	}
	entry.Cmdline, err = kernelLine(entry.Cmdline, s.arguments.consoles())
	if err != nil {
		return fmt.Errorf("read the boot entry %q of %s: %w", entry.Name, disk, err)
	}
	if err := entry.Load(); err != nil {
		return fmt.Errorf("load the kernel of the boot entry %q of %s: %w", entry.Name, disk, err)
	}
	s.log.Info("a kernel is loaded", "entry", entry.Name, "arguments", entry.Cmdline)
	s.loaded = true
	return nil
}

// partitions of a disk, in their order; the disk itself where it has none.
func partitions(disk string) ([]string, error) {
	name := filepath.Base(disk)
	found, err := filepath.Glob(filepath.Join("/sys/class/block", name, "*", "partition"))
	if err != nil {
		return nil, fmt.Errorf("list the partitions of %s: %w", disk, err)
	}
	if len(found) == 0 {
		return []string{name}, nil
	}
	var parts []string
	for _, file := range found {
		parts = append(parts, filepath.Base(filepath.Dir(file)))
	}
	slices.Sort(parts)
	return parts, nil
}

// unplayed are the options by which a file system is read without replaying
// its journal: that would write to a disk that was verified.
var unplayed = map[string]string{
	"ext4": "noload", "xfs": "norecovery", "btrfs": "rescue=nologreplay", "vfat": "",
}

// mountAll mounts what can be mounted. A partition that cannot, such as swap,
// holds no boot entry.
func (s *System) mountAll(ctx context.Context, shelf string, parts []string) (*mount.Pool, block.BlockDevices) {
	pool := &mount.Pool{}
	var devices block.BlockDevices
	for _, part := range parts {
		device, err := block.Device(part)
		if err != nil {
			s.log.Debug("a partition is passed over", "partition", part, "error", err)
			continue
		}
		devices = append(devices, device)
		kind, _, err := mount.FSFromBlock(device.DevicePath())
		if err != nil {
			continue
		}
		options, known := unplayed[kind]
		if !known {
			continue
		}
		if err := s.modules.wanted(ctx, "fs-"+kind); err != nil {
			s.log.Warn("a file system cannot be read", "partition", part, "error", err)
		}
		at := filepath.Join(shelf, part)
		point, err := mount.Mount(device.DevicePath(), at, kind, options, mount.ReadOnly, func() error { return os.Mkdir(at, 0o700) })
		if err != nil {
			s.log.Warn("a file system cannot be read", "partition", part, "error", err)
			continue
		}
		pool.Add(point)
	}
	return pool, devices
}

// entries are all boot entries, those that would be booted first in front.
func entries(ctx context.Context, mounts *mount.Pool, devices block.BlockDevices) []boot.OSImage {
	var found []boot.OSImage
	for _, m := range slices.Clone(mounts.MountPoints) {
		// Errors say that a partition has no such loader: most have none.
		spec, _ := bls.ScanBLSEntries(ulog.Null, m.Path, nil, "")
		menu, _ := grub.ParseLocalConfig(ctx, m.Path, devices, mounts)
		lines, _ := syslinux.ParseLocalConfig(ctx, m.Path)
		found = append(found, slices.Concat(spec, menu, lines)...)
	}
	slices.SortStableFunc(found, func(a, b boot.OSImage) int { return b.Rank() - a.Rank() })
	return found
}

func choose(found []boot.OSImage) (*boot.LinuxImage, error) {
	for _, entry := range found {
		if linux, ok := entry.(*boot.LinuxImage); ok {
			return linux, nil
		}
	}
	return nil, errNoEntry
}

// kernelLine is the entry's command line, with our consoles where it names
// none: what the next kernel says should be seen where this one was. A
// variable that only the boot loader knows makes the line worthless, but for
// those of Ubuntu's menus, which are about its splash screen.
func kernelLine(line string, consoles []string) (string, error) {
	var words []string
	spoken := false
	for _, word := range strings.Fields(line) {
		if strings.Trim(word, "\\") == "$vt_handoff" {
			continue
		}
		if strings.Contains(word, "$") {
			return "", fmt.Errorf("its arguments need the variable %s, which only the boot loader knows", word)
		}
		spoken = spoken || strings.HasPrefix(word, "console=")
		words = append(words, word)
	}
	if !spoken {
		words = append(words, consoles...)
	}
	return strings.Join(words, " "), nil
}
