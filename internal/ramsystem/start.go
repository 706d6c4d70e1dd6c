//go:build linux

package ramsystem

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// System is a machine that runs from RAM.
type System struct {
	log       *slog.Logger
	modules   *modules
	arguments arguments
	settled   <-chan struct{}    // closed once no new device has appeared for a while
	resolv    string             // the file that names the resolvers
	keeping   context.CancelFunc // ends the renewal of the lease
	loaded    bool               // a kernel is loaded for kexec
}

// mounts are made in this order.
var mounts = []struct{ kind, at, options string }{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", "mode=0755"},
	{"devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666"},
	{"tmpfs", "/dev/shm", "mode=1777"},
	{"tmpfs", "/run", "mode=0755"},
	{"tmpfs", "/tmp", "mode=1777"},
}

// settings of the kernel.
var settings = map[string]string{
	"/proc/sys/kernel/printk_devkmsg": "on", // or the console loses what is said at once
	"/proc/sys/kernel/panic":          "60", // seconds to read it; then the firmware asks the boot service again
}

// Start makes a system of what the kernel began. It returns as soon as modules
// for the hardware found so far are loaded; for what appears later they follow
// until ctx ends.
func Start(ctx context.Context, log *slog.Logger) (*System, error) {
	for _, m := range mounts {
		if err := mountOnce(m.kind, m.at, m.options); err != nil {
			return nil, err
		}
	}
	for path, value := range settings {
		if err := os.WriteFile(path, []byte(value+"\n"), 0); err != nil {
			log.Warn("a setting of the kernel stays as it was", "error", err)
		}
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return nil, fmt.Errorf("read the kernel's command line: %w", err)
	}
	arguments, err := parseArguments(string(line))
	if err != nil {
		// A system without a network is worth nothing; one that asks everywhere is.
		log.Error("some of the kernel's command line does not count", "error", err)
	}
	mods, err := openModules(modulesFolder(), "/proc/cmdline", log)
	if err != nil {
		return nil, err
	}
	settled, err := mods.coldplug(ctx, "/sys/devices")
	if err != nil {
		return nil, err
	}
	return &System{log: log, modules: mods, arguments: arguments, settled: settled, resolv: "/etc/resolv.conf", keeping: func() {}}, nil
}

// mountOnce leaves alone what an agent before this one has mounted.
func mountOnce(kind, at, options string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", at, err)
	}
	if mounted(at) {
		return nil
	}
	err := unix.Mount(kind, at, kind, unix.MS_NOSUID, options)
	if err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mount %s at %s: %w", kind, at, err)
	}
	return nil
}

func mounted(at string) bool {
	table, err := os.ReadFile("/proc/self/mounts")
	return err == nil && strings.Contains(string(table), " "+at+" ")
}

// Version is that of the boot files that this system was made of; empty where
// they do not say.
func Version() string {
	text, err := os.ReadFile("/etc/millwright-version")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// LoadModules loads modules by their names or aliases, such as raid1 or
// fs-ext4, with all that they need.
func (s *System) LoadModules(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := s.modules.wanted(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
