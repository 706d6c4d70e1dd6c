package seed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"millwright/internal/metal"
)

// loop makes a block device of a file, with partitions that the kernel knows.
func loop(t testing.TB, path string, options ...string) string {
	t.Helper()
	device := strings.TrimSpace(tool(t, "losetup", append(options, "--find", "--show", "--partscan", path)...))
	t.Cleanup(func() { tool(t, "losetup", "--detach", device) })
	return device
}

// formatted is a disk of one partition for each kind of file system, labelled
// with the kind. Each mkfs wants its own file: device files of partitions may be
// missing where /dev is not the kernel's.
func formatted(t testing.TB, kinds ...string) string {
	const size = 320 * mib
	text := "label: gpt\n"
	for range kinds {
		text += "size=320MiB, type=linux\n"
	}
	path := diskOf(t, int64(len(kinds))*size+2*mib, int64(len(kinds))*size+80*mib, text)
	disk, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer disk.Close()
	for i, kind := range kinds {
		one := filepath.Join(t.TempDir(), kind)
		require.NoError(t, os.WriteFile(one, nil, 0o600))
		require.NoError(t, os.Truncate(one, size))
		kind, label, _ := strings.Cut(kind, ":")
		if label == "" {
			label = kind
		}
		tool(t, "mkfs."+kind, "-q", "-L", label, one)
		require.NoError(t, copySparse(disk, one, int64(i)*size+mib))
	}
	return path
}

func copySparse(to *os.File, from string, at int64) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	empty := make([]byte, 64<<10)
	for i := 0; i < len(content); i += len(empty) {
		if piece := content[i : i+len(empty)]; string(piece) != string(empty) {
			if _, err := to.WriteAt(piece, at+int64(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// look mounts a file system of a disk and shows it.
func look(t testing.TB, disk, label string, show func(root string)) {
	t.Helper()
	p, err := find(disk, label)
	require.NoError(t, err)
	require.NoError(t, p.mounted(func(root *os.Root) error { show(root.Name()); return nil }))
}

func TestFilesAreWrittenIntoFileSystemsByTheirLabels(t *testing.T) {
	t.Parallel()
	disk := loop(t, formatted(t, "ext4", "xfs"))
	var files []metal.File
	for _, label := range []string{"xfs", "ext4"} {
		files = append(files,
			metal.File{Partition: label, Path: "ignition/config.ign", Body: []byte("for " + label)},
			metal.File{Partition: label, Path: "secret", Mode: 0o600, Body: []byte("x")})
	}
	for range 2 { // the second time they are replaced
		require.NoError(t, Write(t.Context(), disk, files))
	}
	for _, label := range []string{"ext4", "xfs"} {
		look(t, disk, label, func(root string) {
			body, err := os.ReadFile(filepath.Join(root, "ignition/config.ign"))
			require.NoError(t, err)
			require.Equal(t, "for "+label, string(body))
			info, err := os.Stat(filepath.Join(root, "secret"))
			require.NoError(t, err)
			require.EqualValues(t, 0o600, info.Mode().Perm())
			info, err = os.Stat(filepath.Join(root, "ignition/config.ign"))
			require.NoError(t, err)
			require.EqualValues(t, 0o644, info.Mode().Perm())
			entries, err := os.ReadDir(filepath.Join(root, "ignition"))
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing of the writing is left")
		})
	}
}

func TestNoLinkOfAnImageLeadsAWriteOutOfIt(t *testing.T) {
	t.Parallel()
	disk := loop(t, formatted(t, "ext4"))
	outside := t.TempDir()
	look(t, disk, "ext4", func(root string) {
		require.NoError(t, os.Symlink(outside, filepath.Join(root, "absolute")))
		require.NoError(t, os.Symlink(strings.Repeat("../", 20)+outside, filepath.Join(root, "relative")))
		require.NoError(t, os.Symlink(filepath.Join(outside, "target"), filepath.Join(root, "file")))
	})
	for _, path := range []string{"absolute/x", "relative/x", "absolute/deeper/x", "../x", "/x", "a/../../x", "", ".", "a/"} {
		require.Error(t, Write(t.Context(), disk, []metal.File{{Partition: "ext4", Path: path, Body: []byte("x")}}), path)
	}
	require.NoError(t, Write(t.Context(), disk, []metal.File{{Partition: "ext4", Path: "file", Body: []byte("x")}}), "a link is replaced")
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestAFileSystemThatIsNotThereOrThereTwiceIsNamed(t *testing.T) {
	t.Parallel()
	disk := loop(t, formatted(t, "ext4:boot", "xfs:boot"))
	err := Write(t.Context(), disk, []metal.File{{Partition: "boot", Path: "x"}})
	require.ErrorContains(t, err, "have this label")
	err = Write(t.Context(), disk, []metal.File{{Partition: "OEM", Path: "x"}})
	require.ErrorContains(t, err, `write first-boot files to "OEM" on `+disk+`: no file system has this label; there are `)
	require.ErrorContains(t, err, `"boot"`)
	require.ErrorContains(t, Write(t.Context(), disk, []metal.File{{Path: "x"}}), "names no file system")
	require.ErrorContains(t, Write(t.Context(), filepath.Join(t.TempDir(), "none"), []metal.File{{Partition: "a", Path: "x"}}), "no such file")
}

func TestAFileSystemThatIsFullKeepsTheOldFile(t *testing.T) {
	t.Parallel()
	disk := loop(t, formatted(t, "ext4"))
	require.NoError(t, Write(t.Context(), disk, []metal.File{{Partition: "ext4", Path: "a", Body: []byte("old")}}))
	err := Write(t.Context(), disk, []metal.File{{Partition: "ext4", Path: "a", Body: make([]byte, 400*mib)}})
	require.ErrorIs(t, err, unix.ENOSPC)
	look(t, disk, "ext4", func(root string) {
		body, err := os.ReadFile(filepath.Join(root, "a"))
		require.NoError(t, err)
		require.Equal(t, "old", string(body))
		entries, err := os.ReadDir(root)
		require.NoError(t, err)
		require.Len(t, entries, 2, "a and lost+found")
	})
}

func TestASeedAndFilesGoToADeviceWithLargeSectors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 200*mib))
	disk := loop(t, path, "--sector-size", "4096")
	command := exec.Command("sfdisk", "--quiet", "--no-reread", disk)
	command.Stdin = strings.NewReader("label: gpt\nsize=64MiB, type=linux\n")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, Plant(disk, cidata))
	require.Contains(t, tool(t, "sfdisk", "--verify", disk), "No errors detected")
	requireSeed(t, part(t, disk), cidata)
	all, err := partitions(disk)
	require.NoError(t, err)
	var labels []string
	for _, p := range all {
		label, err := p.identify()
		require.NoError(t, err)
		labels = append(labels, label)
	}
	require.Contains(t, labels, "CIDATA", "the kernel knows the partition")
}
