package ramdisk

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// cache is where make agent keeps packages.
const cache = "../../bin/cache/debian"

func TestTheSameInputsGiveTheSameBootFiles(t *testing.T) {
	t.Parallel()
	init := filepath.Join(t.TempDir(), "init")
	require.NoError(t, os.WriteFile(init, []byte("an agent"), 0o600))
	var built [2]map[string][]byte
	for i := range built {
		into := t.TempDir()
		require.NoError(t, Build(t.Context(), Input{Arch: "amd64", Init: init, Cache: cache, Into: into}))
		built[i] = map[string][]byte{}
		for _, name := range []string{Kernel, Initrd, Version, Tools} {
			content, err := os.ReadFile(filepath.Join(into, name))
			require.NoError(t, err)
			built[i][name] = content
		}
	}
	for _, name := range []string{Kernel, Initrd, Version, Tools} {
		require.True(t, bytes.Equal(built[0][name], built[1][name]), name)
	}
	// iPXE and firmware load it over a slow link, and keep it in RAM twice.
	require.Less(t, len(built[0][Initrd]), 25<<20)
}

func TestAnArchitectureWithoutAKernelIsRefused(t *testing.T) {
	t.Parallel()
	err := Build(t.Context(), Input{Arch: "riscv64"})
	require.ErrorContains(t, err, `no kernel is known for "riscv64"`)
}

// repository is an archive on this disk, as a thief of the mirror would serve
// it: whole, and not signed by Debian.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	deb := filepath.Join(dir, "tree/DEBIAN")
	require.NoError(t, os.MkdirAll(deb, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(deb, "control"), []byte("Package: mdadm\nVersion: 99\nArchitecture: amd64\nMaintainer: Nobody <n@example.org>\nDescription: not Debian's\n"), 0o600))
	run := func(name string, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		require.NoError(t, err)
		return out
	}
	run("dpkg-deb", "--build", "tree", "mdadm_99_amd64.deb")
	sum, err := sumOf(filepath.Join(dir, "mdadm_99_amd64.deb"))
	require.NoError(t, err)
	index := "Package: mdadm\nVersion: 99\nArchitecture: amd64\nFilename: ./mdadm_99_amd64.deb\nSHA256: " + sum + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Packages"), []byte(index), 0o600))
	return dir
}

func TestAPackageThatDebianDidNotSignIsNotTaken(t *testing.T) {
	t.Parallel()
	line := "deb [signed-by=" + keyring + "] file:" + repository(t) + " ./\n"
	a, err := newAPT(t.TempDir(), "amd64", line)
	require.NoError(t, err)
	require.ErrorContains(t, a.update(t.Context()), "apt-get update --error-on=any for amd64")
	into := t.TempDir()
	require.Error(t, a.download(t.Context(), into, "mdadm"))
	require.NoFileExists(t, filepath.Join(into, "mdadm_99_amd64.deb"))
}

func TestAPackageThatChangedOnTheShelfIsNotUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, done, err := openShelf(dir, "amd64")
	require.NoError(t, err)
	fresh := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(fresh, "mdadm_4.4-11_amd64.deb"), []byte("package"), 0o600))
	require.NoError(t, s.take(fresh))
	done()

	s, done, err = openShelf(dir, "amd64")
	require.NoError(t, err)
	require.NoError(t, s.need(t.Context(), "mdadm"), "held: apt is not asked")
	done()

	require.NoError(t, os.WriteFile(filepath.Join(dir, "mdadm_4.4-11_amd64.deb"), []byte("Package"), 0o600))
	_, _, err = openShelf(dir, "amd64")
	require.ErrorContains(t, err, "its SHA-256 is not what it was when it came")
}
