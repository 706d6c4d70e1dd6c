package image

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyIndex draws an index that may be.
func anyIndex(t *rapid.T) *Index {
	blockSize := 1 << rapid.IntRange(12, 22).Draw(t, "block size bits")
	count := rapid.Int64Range(1, 200).Draw(t, "blocks")
	size := (count-1)*int64(blockSize) + sector*rapid.Int64Range(1, int64(blockSize/sector)).Draw(t, "sectors of the last")
	var blocks []Block
	for n := range count {
		if rapid.Bool().Draw(t, "stored") {
			b := Block{Number: uint32(n), Length: rapid.Uint32Range(1, uint32(frameLimit(blockSize))).Draw(t, "length")}
			b.Sum[0] = rapid.Byte().Draw(t, "sum")
			blocks = append(blocks, b)
		}
	}
	ix, err := newIndex(size, blockSize, blocks)
	require.NoError(t, err)
	return ix
}

func TestAnIndexReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ix := anyIndex(t)
		back, err := ParseIndex(ix.Encode())
		require.NoError(t, err)
		require.Equal(t, ix.Encode(), back.Encode())
		require.Equal(t, ix.ID(), back.ID())
		at := int64(0)
		for _, b := range ix.Blocks {
			found, start, ok := back.Find(b.Number)
			require.True(t, ok)
			require.Equal(t, b, found)
			require.Equal(t, at, start)
			at += int64(b.Length)
		}
		require.Equal(t, at, back.Stored())
	})
}

// The steps of an image are its disk, without gaps and without overlaps.
func TestStepsCoverADiskOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ix := anyIndex(t)
		next, covered, blocks := int64(0), int64(0), 0
		for s := range steps(ix) {
			require.Equal(t, next, s.number)
			_, _, stored := ix.Find(uint32(s.number))
			require.Equal(t, stored, s.block != nil)
			if s.block != nil {
				require.EqualValues(t, 1, s.count)
				blocks++
			}
			next += s.count
			covered += extent(ix, s)
		}
		require.Equal(t, ix.Count(), next)
		require.Equal(t, ix.Size, covered)
		require.Equal(t, len(ix.Blocks), blocks)
	})
}

func TestAnIdentityIsWrittenInOneWay(t *testing.T) {
	t.Parallel()
	_, id, _ := imported(t, content(1, 512))
	word, err := json.Marshal(id)
	require.NoError(t, err)
	var back ID
	require.NoError(t, json.Unmarshal(word, &back))
	require.Equal(t, id, back)
	for _, bad := range []string{"", "..", id.String()[1:], id.String() + "0", "../" + id.String()[3:], strings.ToUpper(id.String()), "zz" + id.String()[2:]} {
		_, err := ParseID(bad)
		require.Error(t, err, bad)
	}
}

func FuzzParseIndex(f *testing.F) {
	some, _ := newIndex(3*smallBlock+512, smallBlock, []Block{{Number: 1, Length: 7}, {Number: 3, Length: 9}})
	f.Add(some.Encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		ix, err := ParseIndex(raw)
		if err != nil {
			return
		}
		require.Equal(t, raw, ix.Encode(), "an index has one form")
		require.LessOrEqual(t, len(ix.Blocks)*recordLen, len(raw))
		for _, b := range ix.Blocks {
			offset, length := ix.Span(int64(b.Number))
			require.True(t, offset >= 0 && length > 0 && offset+int64(length) <= ix.Size)
			_, start, ok := ix.Find(b.Number)
			require.True(t, ok && start >= 0 && start+int64(b.Length) <= ix.Stored())
		}
	})
}
