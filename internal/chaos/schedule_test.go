package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestASeedIsTheSameEachTimeAndNoOther(t *testing.T) {
	t.Parallel()
	shown := func(seed uint64) string {
		var out bytes.Buffer
		require.NoError(t, show(&out, seed, plan{machines: 60, storm: time.Minute, disk: true}))
		return out.String()
	}
	require.Equal(t, shown(7), shown(7))
	require.NotEqual(t, shown(7), shown(8))
}

// Ten seeds are to have 300 disturbances at least, of every kind, and some at
// the same moment.
func TestAStormHasEveryKindOfDisturbance(t *testing.T) {
	t.Parallel()
	kinds, targets, together, all := map[string]int{}, map[string]int{}, 0, 0
	for seed := range uint64(10) {
		storm := drawStorm(seed, 90*time.Second, sortsOf([]metal.SwitchID{"tor-r1", "tor-r2"}, true))
		require.Greater(t, len(storm), 30, "seed %d", seed)
		all += len(storm)
		for i, d := range storm {
			kinds[d.Kind]++
			targets[class(d.Target)]++
			if i > 0 && storm[i-1].At == d.At {
				together++
			}
		}
	}
	for _, kind := range []string{kill, freeze, cut, refuse, silence, slow, fault, full} {
		require.Positive(t, kinds[kind], kind)
	}
	for _, target := range []string{"worker", "boot", "starter", "temporal", "postgres", "switch", "bmcs", "disk", "temporal→postgres", "worker→temporal"} {
		require.Positive(t, targets[target], target)
	}
	require.Positive(t, together)
	require.GreaterOrEqual(t, all, 300)
}

// Two disturbances of one thing would end each other.
func TestNothingIsDisturbedTwiceAtATime(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		until := map[string]time.Duration{}
		for _, d := range drawStorm(seed, 5*time.Minute, sortsOf([]metal.SwitchID{"tor-r1"}, true)) {
			require.GreaterOrEqual(t, d.At, until[d.Target], "seed %d: %s", seed, d)
			require.LessOrEqual(t, d.Length, longest)
			until[d.Target] = d.end()
		}
	}
}
