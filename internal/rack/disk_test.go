package rack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADiskIsErasedIfAllOfItIsZero(t *testing.T) {
	t.Parallel()
	disk := filepath.Join(t.TempDir(), "disk.img")
	require.NoError(t, emptyDisk(disk))
	require.NoError(t, erased(disk), "never written")
	empty, err := digest(disk)
	require.NoError(t, err)

	put(t, disk, 3_999_999_999, 1)
	require.ErrorIs(t, erased(disk), errWritten, "the last byte")
	written, err := digest(disk)
	require.NoError(t, err)
	require.NotEqual(t, empty, written)

	put(t, disk, 3_999_999_999, 0)
	require.NoError(t, erased(disk), "zeros that take room are zeros")
	again, err := digest(disk)
	require.NoError(t, err)
	require.Equal(t, empty, again)

	require.NoError(t, os.Truncate(disk, 1<<30))
	require.ErrorContains(t, erased(disk), "bytes, want", "a disk that shrank is not read in full")
}

func put(t *testing.T, disk string, at int64, value byte) {
	t.Helper()
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{value}, at)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
