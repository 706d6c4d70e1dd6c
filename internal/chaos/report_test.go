package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func verdicts() []*verdict {
	return []*verdict{
		{Total: 10, Stuck: 1, Disturbances: map[string]int{"kill worker": 3, "cut switch": 2}, recovered: []time.Duration{time.Second, 3 * time.Second},
			Findings: []finding{{lost, "run device/x is open", "at step agent"}, {leaked, "usage 3", ""}}},
		{Total: 20, Disturbances: map[string]int{"kill boot": 4}, recovered: []time.Duration{2 * time.Second},
			Findings: []finding{{doubled, "an address stands twice", ""}}},
	}
}

func TestTheLastLineHasTheSumOfAllSeeds(t *testing.T) {
	t.Parallel()
	line, err := json.Marshal(sum(verdicts()))
	require.NoError(t, err)
	require.JSONEq(t, `{"seeds":2,"runs":30,"kills":9,"lost":1,"leaked":1,"doubles":1,"stuck_called_out":1,"recovery_p50_s":2,"recovery_p99_s":3}`, string(line))
}

func TestAnyFindingBreaksASeed(t *testing.T) {
	t.Parallel()
	require.False(t, summary{Seeds: 1, Stuck: 3}.broken(), "what is stuck and called out is an end")
	for _, s := range []summary{{Lost: 1}, {Leaked: 1}, {Double: 1}} {
		require.True(t, s.broken())
	}
}

func TestWhatIsFoundTwiceIsOneFinding(t *testing.T) {
	t.Parallel()
	one, other := finding{leaked, "usage 3", "our check"}, finding{leaked, "usage 4", ""}
	require.Equal(t, []finding{one, other}, distinct([]finding{one, other, {leaked, "usage 3", "starter usage check"}, one}))
}

func TestAReportNamesEveryFinding(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	all := verdicts()
	all[0].print(&text)
	require.Contains(t, text.String(), "lost: run device/x is open (at step agent)")
	path := filepath.Join(t.TempDir(), "new", "chaos.json")
	require.NoError(t, file(path, all))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var read struct {
		Summary summary
		Seeds   []verdict
	}
	require.NoError(t, json.Unmarshal(raw, &read))
	require.Equal(t, sum(all), read.Summary)
	require.Equal(t, all[0].Findings, read.Seeds[0].Findings)
	require.Equal(t, []float64{1, 3}, read.Seeds[0].Recovery)
}

func TestAnOrderIsCountedByItsOutcomeWithoutNames(t *testing.T) {
	t.Parallel()
	b := newBook()
	came := b.expect("reboot:t1-r1-1")
	b.expect("reboot:t2-r1-1")
	b.expect("reboot:t3-r1-1")
	b.tell("reboot:t1-r1-1", outcome{State: "done"})
	b.tell("reboot:t2-r1-1", outcome{State: "failed", Words: "machine m17: its BMC stays silent"})
	require.Equal(t, "done", (<-came).State)
	require.Equal(t, []string{"reboot:t3-r1-1"}, b.without())
	b.refuse("reinstall:t1-r1-4", errors.New("422 nonsense"))
	require.Equal(t, map[string]int{
		"reboot done": 1, "reboot failed: machine its BMC stays silent": 1, "reboot without outcome": 1, "reinstall refused: nonsense": 1,
	}, b.tally())
}
