//go:build !race

// The SDK's test environment ends runs that are terminated from a goroutine of
// its own, which the race detector takes for a race with the stories' one; so
// stories are told without it.

package workflows

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seedsAtOnce is how many stories share a database: it takes longer to make than
// a story, and lists what there is ever more slowly.
const seedsAtOnce = 40

// shortSimulation is how many seeds `make test` tells: a minute's worth, measured
// without the race detector.
const shortSimulation = 100

// summary is the last line of `make simulate`.
type summary struct {
	Seeds        int      `json:"seeds"`
	Runs         int      `json:"runs"`
	Attempts     int      `json:"attempts"`
	Harmed       int      `json:"harmed"`
	VirtualHours float64  `json:"virtual_hours"`
	Stuck        int      `json:"stuck_called_out"`
	Failed       []uint64 `json:"failed"`
	Seconds      float64  `json:"seconds"`

	mu    sync.Mutex
	began time.Time
}

// Whatever befalls them, and however many at once, runs leave no machine, port,
// address, order or bill in between. Each seed is one story.
func TestSimulation(t *testing.T) {
	t.Parallel()
	sum := &summary{began: time.Now(), Failed: []uint64{}}
	from, seeds := asked64(t, "MILLWRIGHT_SIMULATE_FROM", 1), asked64(t, "MILLWRIGHT_SIMULATE_SEEDS", shortSimulation)
	t.Run("stories", func(t *testing.T) {
		for first := from; first < from+seeds; first += seedsAtOnce {
			t.Run(fmt.Sprintf("from %d", first), func(t *testing.T) {
				t.Parallel()
				places := newPlaces(t)
				for seed := first; seed < min(first+seedsAtOnce, from+seeds); seed++ {
					sum.tell(t, places, seed)
				}
			})
		}
	})
	sum.end(t)
}

func asked64(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	require.NoError(t, err, name)
	return n
}

func (sum *summary) tell(t *testing.T, places *places, seed uint64) {
	var s *story
	ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
		s = newStory(t, places, seed)
		s.run(t)
	})
	sum.mu.Lock()
	defer sum.mu.Unlock()
	sum.Seeds++
	if !ok {
		sum.Failed = append(sum.Failed, seed)
	}
	if s == nil {
		return
	}
	sum.Runs, sum.Attempts, sum.Harmed, sum.Stuck = sum.Runs+s.counts.Runs, sum.Attempts+s.counts.Attempts, sum.Harmed+s.counts.Harmed, sum.Stuck+s.counts.Stuck
	sum.VirtualHours += s.counts.Virtual.Hours()
	if sum.Seeds%seedsAtOnce == 0 {
		fmt.Fprintf(os.Stderr, "%d seeds, %d runs, %.0f virtual hours in %.0f s; failed: %v\n",
			sum.Seeds, sum.Runs, sum.VirtualHours, time.Since(sum.began).Seconds(), sum.Failed)
	}
}

// end logs the summary, and writes it where `make simulate` asks for it.
func (sum *summary) end(t *testing.T) {
	t.Helper()
	sum.Seconds = time.Since(sum.began).Round(100 * time.Millisecond).Seconds()
	line, err := json.Marshal(sum)
	require.NoError(t, err)
	t.Logf("%.1f seeds/s: %s", float64(sum.Seeds)/sum.Seconds, line)
	if path := os.Getenv("MILLWRIGHT_SIMULATE_SUMMARY"); path != "" {
		require.NoError(t, os.WriteFile(path, append(line, '\n'), 0o644))
	}
}
