package rootfs

import (
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/image"
)

func TestADiskPassesWhatChecksDisks(t *testing.T) {
	t.Parallel()
	disk := built(t, packed(t, system(t)), Options{KernelArguments: "console=ttyS0 ds=nocloud-net;s=http://x/"})
	require.Contains(t, tool(t, "sfdisk", "--verify", disk), "No errors detected")
	info, err := os.Stat(disk)
	require.NoError(t, err)
	tool(t, "e2fsck", "-f", "-n", part(t, disk, rootStart, info.Size()-rootStart-tail))
	esp := part(t, disk, espStart, espSize)
	tool(t, "fsck.vfat", "-n", esp)
	require.Contains(t, tool(t, "mdir", "-b", "-i", esp, "::EFI/BOOT"), "BOOTX64.EFI")
}

func TestFilesKeepOwnersRightsLinksAndDevices(t *testing.T) {
	t.Parallel()
	root := system(t)
	for name, from := range map[string]string{"a tar": packed(t, root), "a folder": root} {
		disk := built(t, from, Options{})
		ping := inside(t, disk, "stat /usr/bin/ping")
		require.Contains(t, ping, "Mode:  04750", name)
		require.Regexp(t, `User:\s+33\s+Group:\s+44`, ping, name)
		require.Contains(t, ping, "Links: 2", name)
		require.Contains(t, ping, "security.capability", name)
		require.Contains(t, inside(t, disk, "stat /dev/null"), "Device major/minor number: 01:03", name)
		require.Contains(t, inside(t, disk, "stat /bin"), `Fast link dest: "/usr/bin"`, name)
	}
}

func TestTheNewestKernelBootsAndTheRootIsMounted(t *testing.T) {
	t.Parallel()
	disk := built(t, packed(t, system(t)), Options{KernelArguments: "console=ttyS0 ds=nocloud-net;s=http://x/"})
	menu, id := inside(t, disk, "cat /boot/grub/grub.cfg"), fileSystem(t, disk)
	require.Contains(t, menu, "linux /boot/vmlinuz-6.1.0-18-amd64 root=UUID="+id+" ro 'console=ttyS0' 'ds=nocloud-net;s=http://x/'\n\tinitrd /boot/initrd.img-6.1.0-18-amd64\n")
	require.Less(t, strings.Index(menu, "6.1.0-18"), strings.Index(menu, "6.1.0-9"))
	table := inside(t, disk, "cat /etc/fstab")
	require.Contains(t, table, "# UNCONFIGURED FSTAB FOR BASE SYSTEM\nUUID="+id+" / ext4 ")
	require.Contains(t, table, " /boot/efi vfat ")
}

func TestBIOSFirmwareFindsTheWholeOfGRUB(t *testing.T) {
	t.Parallel()
	f, err := os.Open(built(t, packed(t, system(t)), Options{}))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	first := make([]byte, sector)
	_, err = f.ReadAt(first, 0)
	require.NoError(t, err)
	require.Equal(t, []byte{0x55, 0xaa}, first[510:])
	core := int64(binary.LittleEndian.Uint64(first[0x5c:])) * sector
	require.EqualValues(t, biosStart, core)
	head := make([]byte, sector)
	_, err = f.ReadAt(head, core)
	require.NoError(t, err)
	require.EqualValues(t, biosStart/sector+1, binary.LittleEndian.Uint64(head[0x1f4:]), "where the first sector says that the rest is")
	length := int64(binary.LittleEndian.Uint16(head[0x1fc:])) * sector
	rest := make([]byte, biosSize-sector)
	_, err = f.ReadAt(rest, core+sector)
	require.NoError(t, err)
	require.Len(t, strings.TrimRight(string(rest[length:]), "\x00"), 0, "nothing of GRUB is beyond what its first sector loads")
	require.NotEqual(t, make([]byte, sector), rest[length-sector:length])
}

func TestTheSameTarGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	tar := packed(t, system(t))
	one, two := built(t, tar, Options{}), built(t, tar, Options{})
	tool(t, "cmp", one, two)
	other := built(t, tar, Options{KernelArguments: "quiet"})
	require.NotEqual(t, fileSystem(t, one), fileSystem(t, other), "disks of different content may be in one machine")
}

// asNobody marks the process that a test starts.
const asNobody = "MILLWRIGHT_ROOTFS_TEST_AS_NOBODY"

func TestNobodyInParticularMakesTheSameDisk(t *testing.T) {
	if from := os.Getenv(asNobody); from != "" {
		require.NotZero(t, os.Geteuid())
		require.NoError(t, Build(t.Context(), from, filepath.Join(filepath.Dir(from), "out.raw"), Options{}))
		return
	}
	t.Parallel()
	tar := packed(t, system(t))
	folder, err := os.MkdirTemp("", "rootfs-nobody-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	const nobody = 65534
	self := filepath.Join(folder, "test")
	copyFile(t, "/proc/self/exe", self, 0o755)
	theirs := filepath.Join(folder, "root.tar.xz")
	copyFile(t, tar, theirs, 0o644)
	require.NoError(t, os.Chown(folder, nobody, nobody))
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), asNobody+"="+theirs, "TMPDIR="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	tool(t, "cmp", built(t, tar, Options{}), filepath.Join(folder, "out.raw"))
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	r, err := os.Open(from)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, mode)
	require.NoError(t, err)
	_, err = io.Copy(w, r)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.Chmod(to, mode))
}

func TestWhatCannotBootOrHasNoRoomIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	container := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(container, "etc"), 0o755))
	good := packed(t, system(t))
	whole, err := os.ReadFile(good)
	require.NoError(t, err)
	cut := filepath.Join(t.TempDir(), "cut.tar.xz")
	require.NoError(t, os.WriteFile(cut, whole[:len(whole)/2], 0o644))
	for name, c := range map[string]struct {
		from string
		o    Options
		is   error
		says string
	}{
		"no kernel":         {container, Options{}, ErrNoKernel, "install a kernel"},
		"no room":           {good, Options{Size: 100 * mebibyte}, nil, "give "},
		"a wrong checksum":  {good, Options{Sum: image.Checksum(strings.Repeat("0", 64))}, image.ErrChecksum, "fetch it again"},
		"a tar that ends":   {cut, Options{}, nil, "unexpected EOF"},
		"no tar":            {"/proc/self/exe", Options{}, image.ErrFormat, "it is no tar"},
		"nothing":           {filepath.Join(container, "nowhere"), Options{}, os.ErrNotExist, "nowhere"},
		"an evil file name": {evil(t), Options{}, nil, ".."},
	} {
		folder := t.TempDir()
		err := Build(t.Context(), c.from, filepath.Join(folder, "disk.raw"), c.o)
		require.ErrorContains(t, err, c.says, name)
		if c.is != nil {
			require.ErrorIs(t, err, c.is, name)
		}
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, left, name)
	}
}

// evil is a tar that wants to write beside its folder.
func evil(t *testing.T) string {
	t.Helper()
	root := system(t)
	path := filepath.Join(t.TempDir(), "evil.tar")
	tool(t, "tar", "-C", filepath.Join(root, "home"), "-P", "--transform=s,^,../../,", "-cf", path, ".")
	return path
}

func fileSystem(t *testing.T, disk string) string {
	t.Helper()
	for line := range strings.Lines(inside(t, disk, "stats")) {
		if id, ok := strings.CutPrefix(line, "Filesystem UUID:"); ok {
			return strings.TrimSpace(id)
		}
	}
	require.Fail(t, "the file system has no UUID")
	return ""
}
