package drive

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"millwright/internal/erasure"
	"millwright/internal/metal"
)

// few are bounds at which a test need not read gigabytes.
var few = bounds{whole: 8 << 20, ends: 8 << 20, random: 20}

func erasingBySample(t *testing.T, f *fakeNVMe) (certificate erasure.Certificate, err error) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(f, f.disk(), erasure.Full, nil)
		j.bounds = few
		certificate, err = j.erase(t.Context())
	})
	return certificate, err
}

func TestALargeDiskIsSampledAtItsEndsAndAtRandom(t *testing.T) {
	t.Parallel()
	f := newNVMe(100<<30, cryptoErase, 0)
	for _, at := range []int64{0, 5 << 30, 100<<30 - pieceSize} {
		f.scribble(at)
	}
	c, err := erasingBySample(t, f)
	require.NoError(t, err)
	require.Equal(t, erasure.Sample, c.Verified.Extent)
	require.GreaterOrEqual(t, c.Verified.Known, int64(2*pieceSize))
	require.False(t, c.Verified.Marked)
	again := newSample(f.size, c.Verified.Seed, few)
	require.Len(t, again.pieces, c.Verified.Pieces, "the seed gives the same places")
	require.InDelta(t, 16+20, c.Verified.Pieces, 1)
}

func TestALargeDiskThatLiesIsFoundOutByItsSample(t *testing.T) {
	t.Parallel()
	f := newNVMe(100<<30, cryptoErase, 0)
	f.scribble(100<<30 - pieceSize)
	f.lies = true
	_, err := erasingBySample(t, f)
	require.ErrorIs(t, err, metal.ErrUnprovenErasure)
}

func TestALargeEmptyDiskThatLiesIsFoundOutByItsMarks(t *testing.T) {
	t.Parallel()
	f := newNVMe(100<<30, cryptoErase, 0)
	f.lies = true
	_, err := erasingBySample(t, f)
	require.ErrorIs(t, err, metal.ErrUnprovenErasure)
}

func TestTheUsualSampleIsBothGibibytesAndWhatTheSeedChooses(t *testing.T) {
	t.Parallel()
	s := newSample(4e12, "seed", usual)
	require.InDelta(t, 2048+RandomPieces, len(s.pieces), 10)
	require.Equal(t, s.pieces, newSample(4e12, "seed", usual).pieces)
	require.NotEqual(t, s.pieces, newSample(4e12, "other", usual).pieces)
	require.Contains(t, s.pieces, int64(1023*pieceSize))
	last := s.pieces[len(s.pieces)-1]
	require.Less(t, last, int64(4e12))
	require.GreaterOrEqual(t, last+pieceSize, int64(4e12))
	require.True(t, newSample(WholeLimit, "seed", usual).whole)
}
