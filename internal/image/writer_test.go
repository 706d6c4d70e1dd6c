package image

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What is on the disk before does not matter, and what is behind the image
// stays as it was.
func TestAnInstalledDiskIsTheImage(t *testing.T) {
	t.Parallel()
	for _, size := range []int{512, smallBlock, 3<<20 + 1536} {
		disk := content(uint64(size), size)
		disk[0] = 0xeb
		store, id, ix := imported(t, disk)
		w := Writer{From: remote(t, serve(t, handler(store)))}
		for name, path := range map[string]string{
			"a file":                     blank(t, 8<<20),
			"a disk of 512-byte sectors": loop(t, blank(t, 8<<20), 512),
			"a disk of 4 KiB sectors":    loop(t, blank(t, 8<<20), 4096),
		} {
			proof, err := w.Install(hurry(t), id, path)
			require.NoError(t, err, name)
			require.Equal(t, &Proof{Image: id, Disk: path, Size: ix.Size, Blocks: len(ix.Blocks), Holes: ix.Count() - int64(len(ix.Blocks))}, proof)
			got := read(t, path)
			same(t, disk, got[:size])
			full := (size + 4095) / 4096 * 4096 // up to a sector may be zeroed
			same(t, bytes.Repeat([]byte{0xee}, 8<<20-full), got[full:])
			for _, b := range got[size:full] {
				require.Contains(t, []byte{0, 0xee}, b, "nothing of another block")
			}
			_, err = w.Install(hurry(t), id, path)
			require.NoError(t, err, "once more")
		}
	}
}

func TestAWriterTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	store, id, ix := imported(t, content(20, 3<<20))
	var told []int64
	w := Writer{From: remote(t, serve(t, handler(store))), Progress: func(done, size int64) {
		require.Equal(t, ix.Size, size)
		told = append(told, done)
	}}
	require.NoError(t, w.Write(hurry(t), id, ix, blank(t, 3<<20)))
	require.True(t, slices.IsSorted(told))
	require.Equal(t, ix.Size, told[len(told)-1])
}

func TestHolesOfAnErasedDiskAreLeftAloneAndStillProven(t *testing.T) {
	t.Parallel()
	disk := make([]byte, 40*smallBlock)
	disk[0], disk[len(disk)-1] = 0xeb, 1
	store, id, _ := imported(t, disk)
	w := Writer{From: remote(t, serve(t, handler(store))), Erased: true}
	_, err := w.Install(hurry(t), id, file(t, "erased", make([]byte, len(disk))))
	require.NoError(t, err)

	var wrong *ProofError
	_, err = w.Install(hurry(t), id, blank(t, len(disk)))
	require.ErrorAs(t, err, &wrong, "a disk that was not erased after all")
}

func TestAnImageLargerThanTheDiskIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	store, id, _ := imported(t, content(21, 2<<20))
	small := blank(t, 2<<20-512)
	var wrong *TooSmallError
	_, err := (&Writer{From: remote(t, serve(t, handler(store)))}).Install(hurry(t), id, small)
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, TooSmallError{Disk: small, Has: 2<<20 - 512, Needs: 2 << 20}, *wrong)
	same(t, bytes.Repeat([]byte{0xee}, 2<<20-512), read(t, small))
}

// The disk lies in a file whose file system fills up in the middle of it.
func TestADiskThatFailsIsNamedWithThePlace(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tool(t, "mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder)
	t.Cleanup(func() { tool(t, "umount", folder) })
	backing := filepath.Join(folder, "disk")
	tool(t, "truncate", "-s", "16M", backing)
	dev := loop(t, backing, 512)

	store, id, _ := imported(t, bytes.Repeat([]byte("data"), 4<<20))
	var wrong *DiskError
	_, err := (&Writer{From: remote(t, serve(t, handler(store)))}).Install(hurry(t), id, dev)
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, dev, wrong.Disk)
	require.Contains(t, []string{"write", "flush"}, wrong.Verb)
	require.True(t, errors.Is(err, unix.EIO) || errors.Is(err, unix.ENOSPC), err)
}

func TestADiskThatIsFullSaysSo(t *testing.T) {
	t.Parallel()
	folder, ext4 := t.TempDir(), file(t, "ext4", make([]byte, 8<<20))
	tool(t, "mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", ext4)
	tool(t, "mount", loop(t, ext4, 512), folder)
	t.Cleanup(func() { tool(t, "umount", folder) })
	path := filepath.Join(folder, "disk")
	tool(t, "truncate", "-s", "16M", path)

	store, id, _ := imported(t, bytes.Repeat([]byte("data"), 4<<20))
	var wrong *DiskError
	_, err := (&Writer{From: remote(t, serve(t, handler(store)))}).Install(hurry(t), id, path)
	require.ErrorAs(t, err, &wrong)
	require.ErrorIs(t, err, unix.ENOSPC)
	require.Equal(t, "write", wrong.Verb)
	require.Positive(t, wrong.Offset)
}

// One bit is enough, in a block or in a hole.
func TestADiskThatForgetsIsFoundOut(t *testing.T) {
	t.Parallel()
	disk := content(22, 2<<20)
	clear(disk[5*smallBlock : 9*smallBlock])
	store, id, ix := imported(t, disk)
	w := Writer{From: remote(t, serve(t, handler(store)))}
	backing := blank(t, 2<<20)
	dev := loop(t, backing, 512)
	_, err := w.Install(hurry(t), id, dev)
	require.NoError(t, err)
	for _, at := range []int64{0, 6*smallBlock + 77, 2<<20 - 1} {
		flip(t, backing, at)
		var wrong *ProofError
		_, err := w.Prove(hurry(t), id, ix, dev)
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, ProofError{Disk: dev, Block: at / smallBlock, Offset: at / smallBlock * smallBlock}, *wrong)
		flip(t, backing, at)
	}
	_, err = w.Prove(hurry(t), id, ix, dev)
	require.NoError(t, err)
}

// flip turns one bit of a file.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	require.NoError(t, err)
	b[0] ^= 4
	_, err = f.WriteAt(b, at)
	require.NoError(t, err)
}

func TestADiskThatIsMountedIsNotWritten(t *testing.T) {
	t.Parallel()
	folder, ext4 := t.TempDir(), file(t, "ext4", make([]byte, 8<<20))
	tool(t, "mke2fs", "-q", "-t", "ext4", ext4)
	dev := loop(t, ext4, 512)
	tool(t, "mount", dev, folder)
	t.Cleanup(func() { tool(t, "umount", folder) })
	store, id, _ := imported(t, content(23, 1<<20))
	_, err := (&Writer{From: remote(t, serve(t, handler(store)))}).Install(hurry(t), id, dev)
	require.ErrorIs(t, err, unix.EBUSY)
	_, err = (&Writer{From: remote(t, serve(t, handler(store)))}).Install(hurry(t), id, "/dev/null")
	require.Error(t, err)
}

func TestAWriterEndsWithItsContext(t *testing.T) {
	t.Parallel()
	store, id, ix := imported(t, content(24, 1<<20))
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("the boot is over")
	url := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel(over)
		<-r.Context().Done()
	}))
	_ = store
	err := (&Writer{From: remote(t, url)}).Write(ctx, id, ix, blank(t, 1<<20))
	require.ErrorIs(t, err, over)
}
