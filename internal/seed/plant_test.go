package seed

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

const mib = 1 << 20

var cidata = metal.Seed{Label: "CIDATA", Files: []metal.File{
	{Path: "meta-data", Body: []byte("instance-id: d1/7\nlocal-hostname: web1\n")},
	{Path: "user-data", Body: bytes.Repeat([]byte("#cloud-config\n"), 1000)},
	{Path: "network-config", Body: []byte("version: 2\n")},
	{Path: "exactly13char", Body: []byte("one whose name fills its entry\n")},
	{Path: "vendor-data"},
}}

// tool runs a program that CI installs.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return string(out)
}

// diskOf is a file of a size, that begins with an image of another: three
// partitions, and boot code.
func diskOf(t testing.TB, image, size int64, layout string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, file.Truncate(image))
	command := exec.Command("sfdisk", "--quiet", path)
	command.Stdin = strings.NewReader(layout)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	code := make([]byte, 440)
	_, _ = rand.Read(code)
	_, err = file.WriteAt(code, 0)
	require.NoError(t, err)
	require.NoError(t, file.Truncate(size))
	return path
}

const layout = `label: gpt
start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
size=16384, type=uefi, name="EFI System"
type=linux, name="root"
`

func head(t testing.TB, path string, n int) []byte {
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	p := make([]byte, n)
	_, err = file.ReadAt(p, 0)
	require.NoError(t, err)
	return p
}

// part copies a disk's last partition into a file of its own.
func part(t testing.TB, path string) string {
	t.Helper()
	d, err := openDisk(path)
	require.NoError(t, err)
	defer d.Close()
	table, err := readTable(d)
	require.NoError(t, err)
	for i := range table.count() {
		if e := table.entry(i); used(e) && name(e) == partitionName {
			content, err := d.readSectors(int64(le.Uint64(e[atFirst:])), partitionSize/d.sector)
			require.NoError(t, err)
			copied := filepath.Join(t.TempDir(), "part")
			require.NoError(t, os.WriteFile(copied, content, 0o600))
			return copied
		}
	}
	require.FailNow(t, "no partition of ours")
	return ""
}

func requireSeed(t testing.TB, partition string, want metal.Seed) {
	t.Helper()
	require.NotContains(t, tool(t, "fsck.vfat", "-n", "-v", partition), "Dirty")
	require.Contains(t, tool(t, "blkid", "-p", partition), `LABEL="`+want.Label+`"`)
	folder := t.TempDir()
	tool(t, "mcopy", "-i", partition, "::*", folder)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, len(want.Files))
	for _, f := range want.Files {
		body, err := os.ReadFile(filepath.Join(folder, f.Path))
		require.NoError(t, err)
		require.Equal(t, string(f.Body), string(body))
	}
}

func TestASeedIsAPartitionAtTheEndOfTheDiskAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	path := diskOf(t, 64*mib, 200*mib, layout)
	before, dump := head(t, path, 440), tool(t, "sfdisk", "--dump", path)
	require.NoError(t, Plant(path, cidata))
	require.Contains(t, tool(t, "sfdisk", "--verify", path), "No errors detected")
	require.Contains(t, tool(t, "sgdisk", "--verify", path), "No problems found")
	require.Equal(t, before, head(t, path, 440), "boot code")
	require.EqualValues(t, 200*mib/512-1, le.Uint32(head(t, path, 512)[446+12:]), "protective partition")
	after := tool(t, "sfdisk", "--dump", path)
	for line := range strings.Lines(dump) {
		if !strings.HasPrefix(line, "last-lba") && !strings.HasSuffix(strings.TrimSpace(line), ".") && strings.TrimSpace(line) != "" {
			require.Contains(t, after, line)
		}
	}
	require.Contains(t, after, `start=      342016, size=       65536`)
	requireSeed(t, part(t, path), cidata)
}

func TestASeedThatIsPlantedAgainTakesTheSamePlace(t *testing.T) {
	t.Parallel()
	path := diskOf(t, 64*mib, 200*mib, layout)
	require.NoError(t, Plant(path, cidata))
	first := tool(t, "sfdisk", "--dump", path)
	other := metal.Seed{Label: "CIDATA", Files: []metal.File{{Path: "meta-data", Body: []byte("instance-id: d1/8\n")}}}
	require.NoError(t, Plant(path, other))
	require.Equal(t, first, tool(t, "sfdisk", "--dump", path))
	requireSeed(t, part(t, path), other)
}

func TestASeedThatHasNoPlaceChangesNothing(t *testing.T) {
	t.Parallel()
	ours := `label: gpt
start=2048, size=2048, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="millwright-seed"
`
	for name, c := range map[string]struct {
		size   int64
		layout string
		seed   metal.Seed
		want   string
	}{
		"a full disk":           {64*mib + 4096, layout, cidata, "the seed needs 33554432"},
		"an MBR":                {200 * mib, "label: dos\ntype=83\n", cidata, "no GUID partition table"},
		"a partition like ours": {200 * mib, ours, cidata, "millwright-seed of its own"},
		"a label that is none":  {200 * mib, layout, metal.Seed{Label: "cidata"}, `label "cidata"`},
		"a file in a folder":    {200 * mib, layout, metal.Seed{Label: "A", Files: []metal.File{{Path: "a/b"}}}, `file "a/b"`},
		"too much": {200 * mib, layout, metal.Seed{Label: "A", Files: []metal.File{{Path: "a", Body: make([]byte, 20*mib)}, {Path: "b", Body: make([]byte, 20*mib)}}},
			"its files have more than"},
		"a small disk": {32 * mib, layout, cidata, "is for a larger disk"},
	} {
		path := diskOf(t, 64*mib, c.size, c.layout)
		before := head(t, path, int(c.size))
		require.ErrorContains(t, Plant(path, c.seed), c.want, name)
		require.True(t, bytes.Equal(before, head(t, path, int(c.size))), name)
	}
}

func TestABrokenTableIsNotTrusted(t *testing.T) {
	t.Parallel()
	for at, want := range map[int64]string{512 + 40: "checksum of its header", 1024 + 200: "checksum of its entries"} {
		path := diskOf(t, 64*mib, 200*mib, layout)
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteAt([]byte{0xA5}, at)
		require.NoError(t, errorsOf(err, file.Close()))
		require.ErrorContains(t, Plant(path, cidata), want)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestManyFilesWithLongNamesAreAllThere(t *testing.T) {
	t.Parallel()
	many := metal.Seed{Label: "FULL"}
	for i := range 60 {
		many.Files = append(many.Files, metal.File{Path: fmt.Sprintf("a-file-with-a-name-of-%d-and-some_more.%d", i, i), Body: bytes.Repeat([]byte{byte(i)}, 700*i)})
	}
	path := diskOf(t, 64*mib, 200*mib, layout)
	require.NoError(t, Plant(path, many))
	requireSeed(t, part(t, path), many)
}

// TestCloudInitFindsItsSeed asks the program that decides at boot whether
// cloud-init runs at all. What it sees of block devices is what blkid says of
// our partition.
func TestCloudInitFindsItsSeed(t *testing.T) {
	t.Parallel()
	path := diskOf(t, 64*mib, 200*mib, layout)
	require.NoError(t, Plant(path, cidata))
	partition := part(t, path)
	real, err := exec.LookPath("blkid")
	require.NoError(t, err)
	bin, root := t.TempDir(), t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %s -p -o export %s\n", real, partition)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "blkid"), []byte(script), 0o755))
	// The machine that tests run on may be a container, in which it does not look.
	require.NoError(t, os.WriteFile(filepath.Join(bin, "systemd-detect-virt"), []byte("#!/bin/sh\necho kvm\n"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/1"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "sys/class/dmi/id"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/cmdline"), []byte("quiet\n"), 0o644))
	command := exec.Command("/usr/lib/cloud-init/ds-identify", "--force")
	command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "PATH_ROOT="+root, "PATH_RUN="+root+"/run")
	out, err := command.CombinedOutput()
	log, _ := os.ReadFile(filepath.Join(root, "run/cloud-init/ds-identify.log"))
	require.NoError(t, err, "%s%s", out, log)
	found, err := os.ReadFile(filepath.Join(root, "run/cloud-init/cloud.cfg"))
	require.NoError(t, err)
	require.Contains(t, string(found), "NoCloud")
}
