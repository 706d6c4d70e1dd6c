package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// noisy is a series of a kind around a level, with a rise over all of it and
// an outlier now and then.
func noisy(of kind, n int, level, noise, rise float64) series {
	r := rand.New(rand.NewPCG(1, 2))
	s := series{Name: "x", Kind: of}
	for i := range n {
		v := level + noise*r.NormFloat64() + rise*float64(i)/float64(n)
		if r.IntN(20) == 0 {
			v += 5 * level
		}
		s.Values = append(s.Values, v)
	}
	return s
}

func TestNoiseAndOutliersAreNoLeak(t *testing.T) {
	t.Parallel()
	for _, n := range []int{24, 100, 360, 2000} {
		require.False(t, judge(noisy(goroutines, n, 200, 15, 0), 1).Leaks, "%d points", n)
		require.False(t, judge(noisy(memory, n, 90*mib, 8*mib, 0), 1).Leaks, "%d points", n)
		require.False(t, judge(noisy(rows, n, 0, 0, 0), 1).Leaks, "%d points", n)
	}
}

func TestARiseIsALeakHoweverNoisy(t *testing.T) {
	t.Parallel()
	for _, n := range []int{60, 360, 2000} {
		require.True(t, judge(noisy(goroutines, n, 200, 15, 80), 1).Leaks, "%d points", n)
		require.True(t, judge(noisy(connections, n, 30, 2, 15), 1).Leaks, "%d points", n)
		require.True(t, judge(noisy(rows, n, 0, 10, 900), 1).Leaks, "%d points", n)
	}
}

func TestWhatFillsUpFirstAndThenIsFlatIsNoLeak(t *testing.T) {
	t.Parallel()
	s := noisy(rows, 300, 1000, 20, 0)
	for i := range 90 {
		s.Values[i] = 1000 * float64(i) / 90
	}
	require.False(t, judge(s, 1).Leaks)
}

func TestARiseIsToldOverWhatIsJudged(t *testing.T) {
	t.Parallel()
	s := series{Kind: rows}
	for i := range 301 {
		s.Values = append(s.Values, 100+float64(i))
	}
	j := judge(s, 1)
	require.InDelta(t, 200, j.Rise, 1)
	require.InDelta(t, 300, j.Level, 1)
	require.InDelta(t, 1, j.Trend, 0.01)
	require.False(t, judge(series{Kind: shown, Values: s.Values}, 1).Leaks, "what has no limit is shown")
	require.False(t, judge(s, 10).Leaks, "looser limits")
}

func TestAHistoryMayGrowAsLongAsItBeginsAnew(t *testing.T) {
	t.Parallel()
	s := series{Kind: longest}
	for i := range 300 {
		s.Values = append(s.Values, float64(i%280)*20)
	}
	require.False(t, judge(s, 1).Leaks)
	s.Values[250] = mostEvents + 1
	require.True(t, judge(s, 1).Leaks)
}

func TestWhatASampleLacksIsNone(t *testing.T) {
	t.Parallel()
	k := key{connections, "worker idle"}
	all := judgeAll([]sample{{}, {Values: map[key]float64{k: 2}}, {}, {Values: map[key]float64{k: 1}}}, 1)
	require.Len(t, all, 1)
	require.Equal(t, []float64{0, 2, 0, 1}, all[0].Values)
}
