package image

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever the disk, the blocks give it back, and no hole is stored.
func TestAnyDiskComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rapid.Check(t, func(rt *rapid.T) {
		disk := make([]byte, sector*rapid.IntRange(1, 4*smallBlock/sector).Draw(rt, "sectors"))
		for range rapid.IntRange(0, 4).Draw(rt, "writes") {
			at := rapid.IntRange(0, len(disk)-1).Draw(rt, "at")
			copy(disk[at:], bytes.Repeat([]byte{rapid.Byte().Draw(rt, "byte")}, rapid.IntRange(1, smallBlock).Draw(rt, "length")))
		}
		id, err := s.Import(t.Context(), Origin{Path: file(t, "disk.raw", append([]byte("\xeb"), disk[1:]...))})
		require.NoError(rt, err)
		disk[0] = 0xeb // raw, whatever the draw
		same(t, disk, unpacked(t, s, id))
		ix, err := s.Index(t.Context(), id)
		require.NoError(rt, err)
		for n := range ix.Count() {
			offset, length := ix.Span(n)
			_, _, stored := ix.Find(uint32(n))
			empty := bytes.Count(disk[offset:offset+int64(length)], []byte{0}) == length
			require.Equal(rt, !empty, stored, "block %d", n)
		}
	})
}

func TestImportersOfOneImageMakeOne(t *testing.T) {
	t.Parallel()
	path := file(t, "disk.raw", content(6, 3<<20))
	folder := t.TempDir()
	ids := make([]ID, 8)
	errs := make([]error, len(ids))
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			s, err := OpenStore(folder, smallBlock) // each as a program of its own
			if err == nil {
				ids[i], err = s.Import(t.Context(), Origin{Path: path})
			}
			errs[i] = err
		})
	}
	all.Wait()
	for i := range ids {
		require.NoError(t, errs[i])
		require.Equal(t, ids[0], ids[i])
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, ids[0].String(), entries[0].Name())
}

func TestAnImportThatIsCancelledLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newStore(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	tool(t, "mkfifo", pipe)
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer func() { _ = w.Close() }()
		_, _ = w.Write(content(7, 10*smallBlock))
		cancel()
		_, _ = io.Copy(w, zeros{}) // until the reader leaves
	}()
	st, err := newStage(s.folder)
	require.NoError(t, err)
	r, err := os.Open(pipe)
	require.NoError(t, err)
	_, err = st.fill(ctx, r, smallBlock)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())
	require.NoError(t, st.discard())
	requireEmpty(t, s)
}

// What a killed importer left goes with the next import. What belongs to a
// living one stays.
func TestTheLeftoversOfAKilledImporterAreSwept(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dead, alive := filepath.Join(s.folder, stagePrefix+"dead"), filepath.Join(s.folder, stagePrefix+"alive")
	require.NoError(t, os.Mkdir(dead, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dead, blocksFile), []byte("half"), 0o600))
	require.NoError(t, os.Mkdir(alive, 0o755))
	other := exec.Command("flock", alive, "sh", "-c", "echo locked; read end")
	in, err := other.StdinPipe()
	require.NoError(t, err)
	out, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	word := make([]byte, len("locked\n"))
	_, err = io.ReadFull(out, word)
	require.NoError(t, err)

	_, err = s.Import(t.Context(), Origin{Path: file(t, "disk.raw", content(8, 1<<20))})
	require.NoError(t, err)
	require.NoDirExists(t, dead)
	require.DirExists(t, alive)
	require.NoError(t, in.Close())
	_ = other.Wait() // read found no line: its status says so
}

func TestAnImageThatIsRemovedIsUnknown(t *testing.T) {
	t.Parallel()
	s, id, ix := imported(t, content(9, 1<<20))
	other, err := OpenStore(s.folder, smallBlock)
	require.NoError(t, err)
	_, err = other.Index(t.Context(), id)
	require.NoError(t, err)

	require.NoError(t, s.Remove(id))
	require.NoError(t, s.Remove(id))
	requireEmpty(t, s)
	_, err = s.Index(t.Context(), id)
	require.ErrorIs(t, err, ErrUnknown)
	_, err = other.Block(t.Context(), id, ix.Blocks[0].Number) // has the index in memory
	require.ErrorIs(t, err, ErrUnknown)
}

func TestADamagedIndexIsNotBelieved(t *testing.T) {
	t.Parallel()
	s, id, ix := imported(t, content(10, 1<<20))
	raw := ix.Encode()
	raw[len(raw)-1] ^= 1
	require.NoError(t, os.WriteFile(s.path(id, indexFile), raw, 0o644))
	fresh, err := OpenStore(s.folder, smallBlock)
	require.NoError(t, err)
	_, err = fresh.Index(t.Context(), id)
	require.ErrorIs(t, err, ErrCorrupt)
}

func TestAStoreThatIsFullKeepsNoHalfImage(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	tool(t, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
	t.Cleanup(func() { tool(t, "umount", folder) })
	s, err := OpenStore(folder, smallBlock)
	require.NoError(t, err)
	_, err = s.Import(t.Context(), Origin{Path: file(t, "disk.raw", content(11, 8<<20))})
	require.ErrorContains(t, err, "no space left")
	require.True(t, strings.HasPrefix(err.Error(), "import "), err)
	requireEmpty(t, s)
}
