package rootfs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tool runs a program that CI installs.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(find(name), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "LC_ALL=C", "TZ=UTC"}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return strings.TrimSpace(string(out))
}

// system is a root file system in little: two kernels, a program that is
// somebody's, with the rights that distributions give, and a device.
func system(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	for name, content := range map[string]string{
		"boot/vmlinuz-6.1.0-9-amd64": "an older kernel", "boot/vmlinuz-6.1.0-18-amd64": "a kernel",
		"boot/initrd.img-6.1.0-18-amd64": "an initrd", "usr/bin/ping": strings.Repeat("ping", 5000),
		"etc/fstab": "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n", "boot/efi/keep": "",
		"home/a file with a \" in its name": "x",
	} {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	require.NoError(t, os.Symlink("/usr/bin", filepath.Join(root, "bin")))
	require.NoError(t, os.Link(filepath.Join(root, "usr/bin/ping"), filepath.Join(root, "usr/bin/ping6")))
	ping := filepath.Join(root, "usr/bin/ping")
	require.NoError(t, os.Chown(ping, 33, 44), "the tests of this package want root")
	require.NoError(t, os.Chmod(ping, 0o750|os.ModeSetuid))
	tool(t, "setcap", "cap_net_raw+ep", ping)
	require.NoError(t, os.Mkdir(filepath.Join(root, "dev"), 0o755))
	tool(t, "mknod", filepath.Join(root, "dev/null"), "c", "1", "3")
	return root
}

// packed is a system as a tar.
func packed(t *testing.T, root string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.tar.xz")
	tool(t, "tar", "-C", root, "--xattrs", "--xattrs-include=*", "--sort=name", "-cJf", path, ".")
	return path
}

func built(t *testing.T, from string, o Options) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, Build(t.Context(), from, out, o))
	return out
}

// inside asks debugfs about the root file system of a disk.
func inside(t *testing.T, disk, request string) string {
	t.Helper()
	return tool(t, "debugfs", "-R", request, fmt.Sprintf("%s?offset=%d", disk, rootStart))
}

// part cuts a partition out of a disk.
func part(t *testing.T, disk string, start, size int64) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "part")
	tool(t, "dd", "if="+disk, "of="+out, "bs=1M", "conv=sparse", "status=none",
		fmt.Sprintf("skip=%d", start/mebibyte), fmt.Sprintf("count=%d", size/mebibyte))
	return out
}
