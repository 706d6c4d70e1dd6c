package burnin

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var briefly = metal.BurnIn{Disks: 8 * time.Second}

// requireFault is the one result of a disk that must not pass.
func requireFault(t *testing.T, results []metal.BurnInResult, want ...string) {
	t.Helper()
	require.Len(t, results, 1)
	require.Equal(t, "disk", results[0].Test)
	require.False(t, results[0].Passed)
	for _, words := range want {
		require.Contains(t, results[0].Detail, words)
	}
}

func TestADiskThatGivesBackWhatItWasGivenPasses(t *testing.T) {
	t.Parallel()
	cfg := tree(t)
	path := disk(t, &cfg, 32)
	results := burn(t, cfg, briefly)
	require.Len(t, results, 1)
	r := results[0]
	require.True(t, r.Passed, r.Detail)
	require.Equal(t, "S1", r.Part)
	require.EqualValues(t, 32, r.Figures["sequential_written_mib"], "to its last byte")
	require.Equal(t, r.Figures["sequential_written_mib"], r.Figures["sequential_verified_mib"])
	require.Positive(t, r.Figures["random_written_mib"])
	require.Equal(t, r.Figures["random_written_mib"], r.Figures["random_verified_mib"])
	for _, figure := range []string{"sequential_write_mib_s", "sequential_read_mib_s", "random_write_mib_s", "random_read_mib_s", "slowest_ms"} {
		require.Positive(t, r.Figures[figure], figure)
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(content), "tenant")
}

func TestOneByteThatChangedIsFound(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"read", "randread"} {
		cfg := tree(t)
		path := disk(t, &cfg, 16)
		// 16 MiB are written whole, in either order.
		cfg.FIO = meanwhile(t, "fio", `case "$*" in *"--rw=`+order+` "*) printf '\377\0' | dd of=`+path+` bs=1 seek=5000100 conv=notrunc status=none;; esac`)
		results := burn(t, cfg, briefly)
		requireFault(t, results, "read back: what came back is not what was written", "verify failed at file")
		require.EqualValues(t, 1, results[0].Figures["bad_blocks"])
	}
}

// A disk that acknowledges writes and forgets them gives back what an earlier
// burn-in has left, sums and places and all.
func TestWritesThatWereLostAreFoundEvenWhereAnEarlierBurnInWrote(t *testing.T) {
	t.Parallel()
	cfg := tree(t)
	path := disk(t, &cfg, 16)
	require.True(t, burn(t, cfg, briefly)[0].Passed)
	old := filepath.Join(t.TempDir(), "old")
	cfg.FIO = meanwhile(t, "fio", `case "$*" in *--rw=write*) cp `+path+` `+old+`;; *--rw=randread*) dd if=`+old+` of=`+path+` conv=notrunc status=none;; esac`)
	requireFault(t, burn(t, cfg, briefly), "random: read back: what came back is not what was written")
}

// loop makes a block device of a file.
func loop(t *testing.T, file string) (device string) {
	out, err := exec.Command("/sbin/losetup", "-f", "--show", file).CombinedOutput()
	require.NoError(t, err, string(out))
	device = strings.TrimSpace(string(out))
	// Let go of while it is open, a loop device ends with its last file, so also
	// when a test is killed.
	held, err := os.Open(device)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, held.Close()) })
	out, err = exec.Command("/sbin/losetup", "-d", device).CombinedOutput()
	require.NoError(t, err, string(out))
	return device
}

func TestABlockDeviceWithABadSectorIsFound(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("block devices are made by root")
	}
	cfg := tree(t)
	file := disk(t, &cfg, 16)
	device := loop(t, file)
	cfg.Disks = func() ([]Disk, error) { return []Disk{{Path: device, Size: 16 << 20}}, nil }
	results := burn(t, cfg, briefly)
	require.True(t, results[0].Passed, results[0].Detail)
	require.Equal(t, device, results[0].Part, "a disk without a serial is known by where it is")
	// What is behind the file's end is to the kernel what a bad sector is.
	cfg.FIO = meanwhile(t, "fio", `case "$*" in *--rw=read*) truncate -s 8M `+file+`;; esac`)
	requireFault(t, burn(t, cfg, briefly), "sequential: read back", "Input/output error", device)
}

func TestADiskThatCannotBeTestedIsOneThatDidNotPass(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "sdz")
	for want, disks := range map[string]func() ([]Disk, error){
		"given no disks":        nil,
		"shows no disk":         func() ([]Disk, error) { return nil, nil },
		"list the disks: nvme0": func() ([]Disk, error) { return nil, errors.New("nvme0: no answer") },
		gone + ", sequential":   func() ([]Disk, error) { return []Disk{{Path: gone, Size: 1 << 20}}, nil },
	} {
		cfg := tree(t)
		cfg.Disks = disks
		requireFault(t, burn(t, cfg, briefly), want)
	}
	require.NoFileExists(t, gone, "a file in its place would fill the machine's memory")
}
