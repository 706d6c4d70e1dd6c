package ramdisk

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"
)

func small() tree {
	return tree{
		"init":              {path: "init", mode: 0o755, body: []byte("agent")},
		"usr/bin/busybox":   {path: "usr/bin/busybox", mode: 0o755, body: bytes.Repeat([]byte("box"), 1000)},
		"usr/bin/sh":        {path: "usr/bin/sh", link: "busybox"},
		"etc/mke2fs.conf":   {path: "etc/mke2fs.conf", mode: 0o644},
		"root/.profile":     {path: "root/.profile", mode: 0o644, body: []byte("x")},
		"usr/lib/a/b/c.txt": {path: "usr/lib/a/b/c.txt", mode: 0o600, body: []byte("c")},
	}
}

func TestAnArchiveHoldsATreeAndIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	require.NoError(t, archive(&first, small()))
	require.NoError(t, archive(&second, small()))
	require.Equal(t, first.Bytes(), second.Bytes())

	unpacked, err := zstd.NewReader(&first)
	require.NoError(t, err)
	plain, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(plain)))
	require.NoError(t, err)
	var order []string
	for _, r := range records {
		order = append(order, r.Name)
		require.Zero(t, r.MTime, r.Name)
		require.Zero(t, r.UID, r.Name)
	}
	require.Equal(t, []string{
		"dev", "dev/console", "etc", "etc/mke2fs.conf", "init", "root", "root/.profile",
		"usr", "usr/bin", "usr/bin/busybox", "usr/bin/sh", "usr/lib", "usr/lib/a", "usr/lib/a/b", "usr/lib/a/b/c.txt",
	}, order)
}

func TestTheVersionFollowsFromEveryByte(t *testing.T) {
	t.Parallel()
	one := small().version([]byte("kernel"))
	require.Len(t, one, 16)
	require.Equal(t, one, small().version([]byte("kernel")))
	require.NotEqual(t, one, small().version([]byte("kernel2")))
	changed := small()
	changed["init"] = file{path: "init", mode: 0o755, body: []byte("agent2")}
	require.NotEqual(t, one, changed.version([]byte("kernel")))
	changed = small()
	changed["init"] = file{path: "init", mode: 0o700, body: []byte("agent")}
	require.NotEqual(t, one, changed.version([]byte("kernel")))
}

func TestALibraryThatNoPackageHasIsNamed(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile("/usr/bin/ldd") // a script
	require.NoError(t, err)
	shell, err := os.ReadFile("/bin/sh")
	require.NoError(t, err)
	real, err := filepath.EvalSymlinks("/lib64/ld-linux-x86-64.so.2")
	require.NoError(t, err)
	all := tree{
		"usr/bin/ldd": {path: "usr/bin/ldd", body: program},
		"usr/bin/sh":  {path: "usr/bin/sh", body: shell},
	}
	taken, err := all.withLibraries([]string{"usr/bin/ldd"})
	require.NoError(t, err)
	require.Len(t, taken, 1)
	_, err = all.withLibraries([]string{"usr/bin/sh"})
	require.ErrorContains(t, err, "take the program usr/lib64/ld-linux-x86-64.so.2: no listed package has it")
	loader, err := os.ReadFile(real)
	require.NoError(t, err)
	all["usr/lib64/ld-linux-x86-64.so.2"] = file{path: "usr/lib64/ld-linux-x86-64.so.2", body: loader}
	_, err = all.withLibraries([]string{"usr/bin/sh"})
	require.ErrorContains(t, err, "usr/bin/sh needs libc.so.6, which no listed package has: add its package to packages.go")
}
