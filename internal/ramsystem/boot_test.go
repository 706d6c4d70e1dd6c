//go:build linux

package ramsystem_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/ramdisk"
)

const theirMAC = "52:54:00:00:00:01"

// One machine after the other: two at once are what two cores carry, and the
// last test wants two.
func TestAMachineThatRunsFromRAM(t *testing.T) {
	built := files(t)
	t.Run("finds its hardware and outlives a crash", func(t *testing.T) {
		findsItsHardware(t, built)
	})
	t.Run("starts its disk by kexec", func(t *testing.T) {
		kexecs(t, built)
	})
	t.Run("asks on an LACP bond", func(t *testing.T) {
		bonds(t, built)
	})
}

func findsItsHardware(t *testing.T, built string) {
	url, heard := listener(t, built)
	file := filepath.Join(t.TempDir(), "ext4")
	make4(t, file, 0, "64M", t.TempDir())
	m := boot(t, built, "proof.url="+url+" BOOTIF=01-52-54-00-00-00-01 proof.crash=once proof.tools=yes proof.way=kexec proof.disk=nvme0n1", slices.Concat(
		disk("d0", file, "virtio-blk-pci"),
		disk("d1", emptyDisk(t, "nvme"), "nvme,serial=n1"),
		disk("d2", emptyDisk(t, "sata"), "ide-hd"),
		[]string{"-netdev", "user,id=n1,net=10.0.3.0/24", "-device", "e1000e,netdev=n1,mac=52:54:00:00:00:02", "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,mac=" + theirMAC},
	)...)
	report := m.hear(t, heard)
	m.off(t)
	for _, module := range []string{"virtio_net", "e1000e", "ahci", "nvme", "virtio_blk", "sd_mod"} {
		require.Contains(t, report.Modules, module)
	}
	for _, name := range []string{"vda", "nvme0n1", "sda"} {
		require.Contains(t, report.Blocks, name)
	}
	version, err := os.ReadFile(filepath.Join(built, ramdisk.Version))
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(version)), report.Version)
	// Both NICs get answers: the command line names one.
	require.Len(t, report.Addresses, 2, "%v", report.Addresses)
	require.True(t, strings.HasSuffix(report.Addresses[1], " 10.0.2.15/24 "+theirMAC), "%v", report.Addresses)
	require.True(t, report.Mounted, "the kernel calls modprobe for the file system")
	for _, program := range []string{"mkfs.ext4:  ", "mkfs.xfs:  ", "mkfs.vfat:  ", "mdadm:  ", "sh:  "} {
		require.Contains(t, report.Program, program, "and no error")
	}
	require.Contains(t, report.Program, "stress-ng:  stress-ng: info:")
	require.Contains(t, report.Program, "successful run completed")
	require.Contains(t, report.Program, "fio:  {")
	require.Contains(t, report.Program, `"io_bytes" : 1048576`)
	require.Zero(t, report.Zombies)
	require.Contains(t, report.NoKernel, "find the kernel on /dev/nvme0n1: no partition has a boot entry")
	text := m.console.String()
	require.Contains(t, text, "the agent ended: exit status 2; it is started again")
	require.Contains(t, text, `msg="link down" link=eth0 flags="0x1002\n"`)
	require.Contains(t, text, `msg="link down" link=eth1 flags="0x1002\n"`)
	require.Contains(t, text, "reboot: Restarting system")
}

func kexecs(t *testing.T, built string) {
	url, heard := listener(t, built)
	m := boot(t, built, "proof.url="+url+" proof.way=kexec proof.disk=vda", slices.Concat(
		disk("d0", installed(t, built, url), "virtio-blk-pci"),
		[]string{"-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0"},
	)...)
	first, second := m.hear(t, heard), m.hear(t, heard)
	m.off(t)
	require.Empty(t, first.NoKernel)
	require.NotContains(t, first.Arguments, "proof.second")
	require.Equal(t, "root=UUID="+uuid+" ro proof.second=1 proof.url="+url+" proof.way=power-off console=ttyS0", second.Arguments)
	text := m.console.String()
	require.Contains(t, text, "kexec_core: Starting new kernel")
	require.Contains(t, text, "reboot: Power down")
	require.NotContains(t, text, "Restarting system")
}

const uuid = "5f6a1c2e-0000-4000-8000-000000000001"

// installed is a disk as Debian leaves one: a partition of ext4, grub's
// configuration, a kernel. The system in its initrd is ours.
func installed(t *testing.T, built, url string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "boot/grub"), 0o755))
	menu, err := os.ReadFile("testdata/grub.cfg")
	require.NoError(t, err)
	menu = []byte(strings.ReplaceAll(string(menu), "@URL@", url))
	require.NoError(t, os.WriteFile(filepath.Join(root, "boot/grub/grub.cfg"), menu, 0o600))
	for name, from := range map[string]string{"vmlinuz-6.12": ramdisk.Kernel, "initrd.img-6.12": ramdisk.Initrd} {
		require.NoError(t, os.Link(filepath.Join(built, from), filepath.Join(root, "boot", name)))
	}
	path := filepath.Join(t.TempDir(), "disk")
	table := make([]byte, 512)
	copy(table[446:], []byte{0x80, 0, 2, 0, 0x83, 0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(table[454:], 2048)    // its first sector
	binary.LittleEndian.PutUint32(table[458:], 200<<11) // and how many: 200 MiB
	copy(table[510:], []byte{0x55, 0xaa})
	require.NoError(t, os.WriteFile(path, table, 0o600))
	require.NoError(t, os.Truncate(path, 202<<20))
	make4(t, path, 1<<20, "200M", root)
	return path
}

// make4 makes a file system of a folder's files, at an offset within a file.
func make4(t *testing.T, path string, offset int, size, from string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "mke2fs", "-q", "-F", "-t", "ext4", "-U", uuid, "-d", from, "-E", "offset="+strconv.Itoa(offset), path, size)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

func bonds(t *testing.T, built string) {
	// A socket's path has 108 bytes at most, and a test's folder has a long name.
	dir, err := os.MkdirTemp("", "lacp")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	link := func(n, from, to string) []string {
		return []string{
			"-netdev", "dgram,id=n" + n + ",local.type=unix,local.path=" + dir + "/" + from + n + ",remote.type=unix,remote.path=" + dir + "/" + to + n,
			"-device", "virtio-net-pci,netdev=n" + n + ",mac=52:54:00:00:0" + from + ":0" + n + ",speed=10000,duplex=full", // LACP bundles equal speeds, and no unknown ones
		}
	}
	other := boot(t, built, "proof.role=switch", slices.Concat(link("1", "a", "b"), link("2", "a", "b"))...)
	m := boot(t, built, "millwright.bond=52:54:00:00:0b:01,52:54:00:00:0b:02 proof.url=http://10.9.8.6/ proof.way=power-off",
		slices.Concat(link("1", "b", "a"), link("2", "b", "a"))...)
	m.off(t)
	other.saw(t, `addresses="[lo 127.0.0.1/8 bond0 10.9.8.7/31 52:54:00:00:0b:01]"`)
	other.saw(t, "Dst: 10.0.0.0/8 Src: 10.9.8.7 Gw: 10.9.8.6")
	other.saw(t, "nameserver 10.0.0.53")
	require.NotContains(t, other.console.String(), "192.0.2.1", "option 3 does not count beside option 121")
	other.saw(t, "Partner Mac Address: 52:54:00:00:0a:01")
	require.Contains(t, m.console.String(), "reboot: Power down")
}
