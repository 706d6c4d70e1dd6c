//go:build linux

package ramsystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// quiet is how long no new device must appear until the hardware counts as
// found. Disks behind SAS expanders and USB come one by one, a few hundred
// milliseconds apart.
const quiet = time.Second

// coldplug loads modules for the devices that are there, and goes on to load
// them for those that appear. settled is closed once there have been no new
// ones for a while.
func (m *modules) coldplug(ctx context.Context, devices string) (settled <-chan struct{}, err error) {
	// Listen first: what appears during the walk is in one of the two.
	events, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(devices, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "modalias" {
			return nil // a device that was there a moment ago
		}
		if alias, err := os.ReadFile(path); err == nil {
			m.plug(ctx, strings.TrimSpace(string(alias)))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for hardware below %s: %w", devices, err)
	}
	done := make(chan struct{})
	go m.follow(ctx, events, done)
	return done, nil
}

// plug loads what drives a device. Most devices need nothing, or what is
// there; a module that finds its hardware missing says so by ENODEV.
func (m *modules) plug(ctx context.Context, alias string) {
	err := m.wanted(ctx, alias)
	if err == nil || errors.Is(err, errNoModule) || errors.Is(err, unix.ENODEV) {
		return
	}
	m.log.Warn("a device stays without its driver", "device", alias, "error", err)
}

func (m *modules) follow(ctx context.Context, events <-chan string, settled chan<- struct{}) {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		select {
		case alias, open := <-events:
			if !open {
				return
			}
			m.plug(ctx, alias)
			if settled != nil {
				timer.Reset(quiet)
			}
		case <-timer.C:
			close(settled)
			settled = nil
		}
	}
}

// listen gives the modalias of each device that appears, until ctx ends.
func listen(ctx context.Context) (<-chan string, error) {
	// Non-blocking, and so in Go's hands: closing the file ends a read.
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("listen for new devices: %w", err)
	}
	// 8 MiB: a shelf of a hundred disks speaks faster than modules load.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen for new devices: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "uevents")
	context.AfterFunc(ctx, func() { socket.Close() })
	events := make(chan string)
	go receive(ctx, socket, events)
	return events, nil
}

func receive(ctx context.Context, socket *os.File, events chan<- string) {
	defer close(events)
	buffer := make([]byte, 64<<10)
	for {
		n, err := socket.Read(buffer)
		if errors.Is(err, unix.ENOBUFS) {
			continue // some were lost; those that follow are not
		}
		if err != nil {
			return
		}
		alias, appeared := uevent(string(buffer[:n]))
		if !appeared {
			continue
		}
		select {
		case events <- alias:
		case <-ctx.Done():
			return
		}
	}
}

// uevent reads "add@/devices/…", then variables, all ended by zero bytes. A
// device without a modalias appears, too.
func uevent(message string) (alias string, appeared bool) {
	words := strings.Split(message, "\x00")
	for _, word := range words[1:] {
		if value, found := strings.CutPrefix(word, "MODALIAS="); found {
			alias = value
		}
	}
	return alias, strings.HasPrefix(words[0], "add@")
}
