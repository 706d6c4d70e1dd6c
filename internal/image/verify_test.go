package image

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVerifyNamesEveryDamagedBlock(t *testing.T) {
	t.Parallel()
	s, id, ix := imported(t, content(8, 3<<20))
	require.NoError(t, s.Verify(t.Context(), id, nil))
	path := s.path(id, blocksFile)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	first, last := ix.Blocks[1], ix.Blocks[len(ix.Blocks)-1]
	_, at, ok := ix.Find(first.Number)
	require.True(t, ok)
	raw[at+int64(first.Length)/2] ^= 1
	require.NoError(t, os.WriteFile(path, raw[:len(raw)-1], 0o644))
	err = s.Verify(t.Context(), id, nil)
	require.ErrorIs(t, err, ErrCorrupt)
	var damaged []uint32
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		for _, b := range e.(interface{ Unwrap() []error }).Unwrap() {
			damaged = append(damaged, b.(*BlockError).Block)
		}
	}
	require.ElementsMatch(t, []uint32{first.Number, last.Number}, damaged)
}

func TestAnImageIsDescribed(t *testing.T) {
	t.Parallel()
	s, id, ix := imported(t, content(9, 1<<20))
	infos, err := s.Infos(t.Context())
	require.NoError(t, err)
	require.Len(t, infos, 1)
	require.Equal(t, id, infos[0].ID)
	require.Equal(t, ix.Size, infos[0].Size)
	require.Equal(t, ix.Stored()+int64(len(ix.Encode())), infos[0].Stored)
	require.Equal(t, ix.Count(), int64(infos[0].Blocks)+infos[0].Holes)
}

func TestAFormatThatIsPromisedIsHeldTo(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	odd := content(10, 1<<20)
	copy(odd, "hsqs") // would pass for a squashfs
	path := file(t, "odd", odd)
	_, err := s.Import(t.Context(), Origin{Path: path})
	require.ErrorIs(t, err, ErrFormat)
	_, err = s.Import(t.Context(), Origin{Path: path, Format: "qcow2"})
	require.ErrorContains(t, err, "looks like raw, and should be qcow2")
	id, err := s.Import(t.Context(), Origin{Path: path, Format: "raw"})
	require.NoError(t, err)
	same(t, odd, unpacked(t, s, id))
}
