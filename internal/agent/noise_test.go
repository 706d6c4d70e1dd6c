package agent

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryByteOfNoiseIsCompared(t *testing.T) {
	t.Parallel()
	whole, err := io.ReadAll(io.LimitReader(NoiseOf(7).Reader(t.Context(), time.Hour), 3*noiseBlock+5))
	require.NoError(t, err)
	n, err := NoiseOf(7).Compare(bytes.NewReader(whole))
	require.NoError(t, err)
	require.EqualValues(t, len(whole), n)
	for _, at := range []int{0, 1<<18 - 1, 1 << 18, noiseBlock, len(whole) - 1} {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		n, err = NoiseOf(7).Compare(bytes.NewReader(changed))
		require.ErrorIs(t, err, ErrNoise)
		require.EqualValues(t, at, n)
	}
	_, err = NoiseOf(8).Compare(bytes.NewReader(whole))
	require.ErrorIs(t, err, ErrNoise)
}

func TestNoiseEndsWithItsTimeOrItsContext(t *testing.T) {
	t.Parallel()
	_, err := io.Copy(io.Discard, NoiseOf(7).Reader(t.Context(), time.Millisecond))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, err := io.Copy(io.Discard, NoiseOf(7).Reader(ctx, time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
}

// BenchmarkNoise is one side's share of a link: what a core can compare.
func BenchmarkNoise(b *testing.B) {
	b.SetBytes(noiseBlock)
	from := io.LimitReader(NoiseOf(7).Reader(b.Context(), time.Hour), int64(b.N)*noiseBlock)
	n, err := NoiseOf(7).Compare(from)
	require.NoError(b, err)
	require.EqualValues(b, int64(b.N)*noiseBlock, n)
}
