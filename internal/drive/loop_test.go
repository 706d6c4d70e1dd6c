//go:build linux

package drive

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"millwright/internal/erasure"
	"millwright/internal/metal"
)

// loop makes a real block device of a file, and gives both paths. Loop devices
// punch holes for discards, and need root.
func loop(t *testing.T, size int64, options ...string) (Disk, string) {
	if os.Getuid() != 0 {
		t.Skip("block devices are made by root")
	}
	file := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Truncate(file, size))
	args := append([]string{"-f", "--show"}, append(options, file)...)
	out, err := exec.Command("/sbin/losetup", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	path := strings.TrimSpace(string(out))
	// Let go of while it is open, a loop device ends with its last file, so also
	// when a test is killed.
	held, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, held.Close()) })
	out, err = exec.Command("/sbin/losetup", "-d", path).CombinedOutput()
	require.NoError(t, err, string(out))
	return Disk{Path: path, Transport: Other, Serial: "LOOP", Size: size, LogicalBlock: 512, Zeroes: true}, file
}

func scribbleOver(t *testing.T, path string, size int64) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.Write(bytes.Repeat([]byte("tenant's secret "), int(size/16)))
	require.NoError(t, err)
	require.NoError(t, file.Sync())
}

func requireZero(t *testing.T, path string) {
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, make([]byte, len(content))), "every byte of %s is zero", path)
}

func TestABlockDeviceIsOverwrittenToItsLastByte(t *testing.T) {
	t.Parallel()
	disk, file := loop(t, 20<<20+512*3)
	scribbleOver(t, disk.Path, disk.Size/16*16)
	c, err := Erase(t.Context(), disk, erasure.Full, nil)
	require.NoError(t, err)
	require.Equal(t, "overwritten with zeroes", c.Method)
	require.EqualValues(t, disk.Size, c.Verified.Bytes)
	requireZero(t, file)
}

func TestADiskOfAVirtualMachineIsZeroedByItsOwnCommand(t *testing.T) {
	t.Parallel()
	disk, file := loop(t, 64<<20)
	disk.Transport = Virtio
	scribbleOver(t, disk.Path, disk.Size)
	c, err := Erase(t.Context(), disk, erasure.Full, nil)
	require.NoError(t, err)
	require.Equal(t, "write zeroes, by the disk's own command", c.Method)
	requireZero(t, file)
}

func TestAFileIsOverwrittenLikeADisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("secret "), 500_001), 0o600))
	c, err := Erase(t.Context(), Disk{Path: path, Serial: "F", Size: 7 * 500_001}, erasure.Full, nil)
	require.NoError(t, err)
	require.True(t, c.Verified.Zero)
	requireZero(t, path)
}

func TestADiskThatIsInUseIsNotErased(t *testing.T) {
	t.Parallel()
	disk, _ := loop(t, 64<<20)
	out, err := exec.Command("/sbin/mkfs.ext4", "-q", disk.Path).CombinedOutput()
	require.NoError(t, err, string(out))
	dir := t.TempDir()
	require.NoError(t, unix.Mount(disk.Path, dir, "ext4", 0, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	_, err = Erase(t.Context(), disk, erasure.Full, nil)
	require.ErrorIs(t, err, ErrInUse)
}

func TestADiskOfAnotherSizeThanListedIsNotErased(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, []byte("secret"), 0o600))
	_, err := Erase(t.Context(), Disk{Path: path, Size: 7}, erasure.Full, nil)
	require.ErrorContains(t, err, "list the disks again")
	_, err = Erase(t.Context(), Disk{Path: path + "-missing", Size: 7}, erasure.Full, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, path+"-missing")
}

// A virtual machine's disk whose file was cut short: the kernel ends reads with
// the same word as those of a bad sector.
func TestARealReadErrorIsAMediaError(t *testing.T) {
	t.Parallel()
	disk, file := loop(t, 8<<20)
	require.NoError(t, os.Truncate(file, 0))
	_, err := Erase(t.Context(), disk, erasure.Express, nil)
	require.ErrorIs(t, err, ErrMedia)
	require.ErrorIs(t, err, metal.ErrUnprovenErasure)
}

// programs are the real ones, but partx tells the kernel of what sfdisk wrote: one
// that is built without any partition table reads none, and the machine that
// runs the tests may have such a one.
func programs(t *testing.T) Programs {
	script := filepath.Join(t.TempDir(), "sfdisk")
	text := "#!/bin/sh -e\nPATH=$PATH:/usr/sbin:/sbin\nfor disk; do :; done\nsfdisk \"$@\"\npartx -u \"$disk\"\n"
	require.NoError(t, os.WriteFile(script, []byte(text), 0o700))
	p := DefaultPrograms()
	p.Sfdisk = script
	return p
}

// partitioned has two partitions with real file systems.
func partitioned(t *testing.T) (Disk, string, []string) {
	disk, file := loop(t, 200<<20, "-P")
	script := "label: gpt\nsize=64MiB\nsize=100MiB\n"
	_, err := run(t.Context(), script, programs(t).Sfdisk, disk.Path)
	require.NoError(t, err)
	one, err := firstPartition(t.Context(), disk.Path)
	require.NoError(t, err)
	two := strings.TrimSuffix(one, "1") + "2"
	_, err = run(t.Context(), "", "mkfs.ext4", "-q", "-L", "old", one)
	require.NoError(t, err)
	_, err = run(t.Context(), "", "mkswap", "-L", "older", two)
	require.NoError(t, err)
	return disk, file, []string{one, two}
}

func signatures(t *testing.T, path string) string {
	out, err := exec.Command("/sbin/wipefs", "--noheadings", "--output", "TYPE", path).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestExpressLeavesNoTableAndNoSignature(t *testing.T) {
	t.Parallel()
	disk, file, partitions := partitioned(t)
	require.Contains(t, signatures(t, disk.Path), "gpt")
	require.Contains(t, signatures(t, partitions[1]), "swap")
	h, err := openDisk(disk.Path)
	require.NoError(t, err)
	places, err := readPartitions(t.Context(), h, disk)
	require.NoError(t, err)
	h.Close()
	require.Equal(t, []place{{1 << 20, 64 << 20}, {65 << 20, 100 << 20}}, places)

	c, err := Erase(t.Context(), disk, erasure.Express, nil)
	require.NoError(t, err)
	require.Equal(t, "partition tables and signatures cleared, discarded", c.Method)
	require.Equal(t, erasure.Places, c.Verified.Extent)
	require.Equal(t, erasure.Ungraded, c.Grade)
	require.Empty(t, signatures(t, disk.Path))
	requireZero(t, file)
}

func TestExpressClearsTheEndsOfPartitionsOfADiskThatDiscardsNothing(t *testing.T) {
	f := newFake(64 << 20)
	f.fill()
	table := f.content[0]
	clear(table)
	table[510], table[511] = 0x55, 0xaa // an MBR: entries of 16 bytes from 446
	binary.LittleEndian.PutUint32(table[446+8:], 10<<20/512)
	binary.LittleEndian.PutUint32(table[446+12:], 20<<20/512)
	disk := Disk{Path: "/dev/sdz", Transport: Other, Serial: "Z", Size: f.size, LogicalBlock: 512}
	erasing(t, f, disk, erasure.Express, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Equal(t, "partition tables and signatures cleared", c.Method)
		require.EqualValues(t, 4<<20, c.Verified.Bytes)
		for _, at := range []int64{0, 10, 29, 63} {
			require.True(t, isZero(f.content[at<<20]), "MiB %d", at)
		}
		require.False(t, isZero(f.content[11<<20]), "express claims no more than it says")
	})
}

func TestExpressChangesTheMediaKeyWhereThatIsQuick(t *testing.T) {
	f := newNVMe(smallDisk, blockErase, 1<<2)
	f.fill()
	erasing(t, f, f.disk(), erasure.Express, func(c erasure.Certificate, err error) {
		require.NoError(t, err)
		require.Contains(t, c.Method, "NVMe format, crypto erase")
		require.Zero(t, f.sent(nvmeSanitize))
		require.True(t, isZero(f.content[0]))
	})
}

func TestADataDiskIsFormattedAndFoundByItsLabel(t *testing.T) {
	t.Parallel()
	for _, filesystem := range []Filesystem{Ext4, XFS} {
		t.Run(string(filesystem), func(t *testing.T) {
			disk, _ := loop(t, minVolume, "-P")
			placed := Placed{Volume{Filesystem: filesystem, Label: "scratch"}, disk}
			for range 2 { // and again: what was there does not stop it
				require.NoError(t, programs(t).Format(t.Context(), placed))
			}
			partition, err := firstPartition(t.Context(), disk.Path)
			require.NoError(t, err)
			out, err := exec.Command("/sbin/blkid", "-p", "-o", "export", partition).CombinedOutput()
			require.NoError(t, err, string(out))
			require.Contains(t, string(out), "LABEL=scratch")
			require.Contains(t, string(out), "TYPE="+string(filesystem))
			require.Contains(t, string(out), "PART_ENTRY_NAME=scratch")
			dir := t.TempDir()
			require.NoError(t, unix.Mount(partition, dir, string(filesystem), 0, ""))
			require.NoError(t, unix.Unmount(dir, 0))
		})
	}
}

func TestAProgramThatIsMissingOrRefusesIsQuoted(t *testing.T) {
	t.Parallel()
	disk, _ := loop(t, 8<<20, "-P")
	placed := Placed{Volume{Filesystem: XFS, Label: "tiny"}, disk}
	err := programs(t).Format(t.Context(), placed)
	require.ErrorContains(t, err, "run mkfs.xfs: exit status 1")
	without := DefaultPrograms()
	without.Sfdisk = "sfdisk-of-nobody"
	require.ErrorContains(t, without.Format(t.Context(), placed), "add its package")
}

// mdadm itself reads the arguments, and refuses for want of disks alone.
func TestTheArgumentsOfTheMirrorAreUnderstoodByMdadm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := func(n int) string { return filepath.Join(dir, strconv.Itoa(n)) }
	_, err := run(t.Context(), "", "mdadm", mirrorArguments(missing(1), missing(2))...)
	require.ErrorContains(t, err, "cannot open "+missing(1))
}
