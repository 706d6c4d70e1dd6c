//go:build linux

package ramsystem

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Way is how a machine is left.
type Way string

// Kexec starts the kernel that LoadKernel loaded, and reboots where none is.
const (
	Kexec    Way = "kexec"
	Reboot   Way = "reboot"
	PowerOff Way = "power-off"
)

// graceful is how long links and disks may take to become quiet. A NIC that
// hangs while it goes down must not keep the machine.
const graceful = 20 * time.Second

// Leave leaves the machine, and so does not return, unless the kernel refuses
// even the reboot. The control plane's way out is then the BMC.
func (s *System) Leave(way Way) error {
	s.keeping()
	s.log.Info("this machine is left", "by", string(way))
	done := make(chan struct{})
	go func() {
		s.lower()
		unix.Sync()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(graceful):
		s.log.Error("links or disks do not become quiet; leaving all the same")
	}
	var refused error
	switch {
	case way == PowerOff:
		refused = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case way == Kexec && s.loaded:
		refused = unix.Reboot(unix.LINUX_REBOOT_CMD_KEXEC)
		s.log.Error("the kernel refuses kexec; rebooting instead", "error", refused)
	}
	refused = errors.Join(refused, unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART))
	return fmt.Errorf("leave by %s: %w", way, refused)
}

// lower takes every link down. A NIC that still receives writes into the next
// kernel's memory, and reboot(2) with a NIC up has been seen to hang in
// virtio_net (QEMU 7.2, Linux 6.1).
func (s *System) lower() {
	links, err := nics()
	if err != nil {
		s.log.Error("links stay up", "error", err)
		return
	}
	for _, link := range links {
		name := link.Attrs().Name
		if err := netlink.LinkSetDown(link); err != nil {
			s.log.Error("a link stays up", "link", name, "error", err)
			continue
		}
		flags, _ := os.ReadFile(filepath.Join("/sys/class/net", name, "flags"))
		s.log.Info("link down", "link", name, "flags", string(flags))
	}
}
