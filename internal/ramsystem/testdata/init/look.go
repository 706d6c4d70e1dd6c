//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"millwright/internal/ramsystem"
)

func look(ctx context.Context) Said {
	said := Said{
		Arguments: read("/proc/cmdline"), Version: ramsystem.Version(), Uptime: read("/proc/uptime"),
		Blocks: names("/sys/class/block/*"), Resolvers: read("/etc/resolv.conf"), Bond: read("/proc/net/bonding/bond0"),
	}
	for _, line := range strings.Split(read("/proc/modules"), "\n") {
		name, _, _ := strings.Cut(line, " ")
		said.Modules = append(said.Modules, name)
	}
	links, _ := netlink.LinkList()
	for _, link := range links {
		addresses, _ := netlink.AddrList(link, netlink.FAMILY_V4)
		for _, a := range addresses {
			said.Addresses = append(said.Addresses, strings.TrimSpace(link.Attrs().Name+" "+a.IPNet.String()+" "+link.Attrs().HardwareAddr.String()))
		}
	}
	routes, _ := netlink.RouteList(nil, netlink.FAMILY_V4)
	for _, r := range routes {
		said.Routes = append(said.Routes, r.String())
	}
	said.Program, said.Zombies, said.Mounted = program(ctx), orphans(ctx), mounts()
	return said
}

// program makes a file system with a program that we did not write, which
// shows that its libraries are there and that os/exec hears of its end.
func program(ctx context.Context) string {
	if err := os.WriteFile("/run/disk", nil, 0o600); err != nil {
		return err.Error()
	}
	if err := os.Truncate("/run/disk", 400<<20); err != nil {
		return err.Error()
	}
	var said []string
	for _, line := range []string{"mkfs.ext4 -q -F /run/disk", "mkfs.xfs -q -f /run/disk", "mkfs.vfat /run/disk", "mdadm --version", "sh -c ps>/dev/null",
		"stress-ng --cpu 1 --verify --timeout 1s --temp-path /run", "fio --name=a --filename=/run/fio --size=1M --rw=randwrite --verify=crc32c --ioengine=libaio --direct=1 --thread --output-format=json"} {
		words := strings.Fields(line)
		out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput()
		said = append(said, words[0]+": "+text(err)+" "+string(out))
	}
	return strings.Join(said, "\n")
}

// orphans leaves a grandchild behind, and counts who was not buried.
func orphans(ctx context.Context) int {
	_ = exec.CommandContext(ctx, "sh", "-c", "(busybox sleep 0.1 &)").Run()
	_ = exec.CommandContext(ctx, "busybox", "sleep", "1").Run()
	zombies := 0
	for _, file := range names("/proc/[0-9]*") {
		if strings.Contains(read(filepath.Join("/proc", file, "stat")), ") Z ") {
			zombies++
		}
	}
	return zombies
}

// mounts mounts the disk vda by mount(2) alone: the kernel has to ask for the
// file system's module by itself.
func mounts() bool {
	if err := os.Mkdir("/run/mnt", 0o700); err != nil {
		return false
	}
	if err := unix.Mount("/dev/vda", "/run/mnt", "ext4", unix.MS_RDONLY, ""); err != nil {
		return false
	}
	return unix.Unmount("/run/mnt", 0) == nil
}
