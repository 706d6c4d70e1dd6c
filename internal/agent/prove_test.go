package agent

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

var (
	lengths = metal.BurnIn{CPU: time.Minute, Disks: time.Hour}
	prove   = Job{Job: metal.JobProve, BurnIn: &lengths}
)

func TestAProofTellsOfTheNeighboursBeforeItsResults(t *testing.T) {
	t.Parallel()
	found := []metal.BurnInResult{{Test: "cpu", Passed: true}, {Test: "disk", Part: "S1", Detail: "3 blocks came back changed"}}
	s, d := &service{jobs: []Job{prove, prove, leave}}, &disk{}
	asked := make(chan struct{})
	s.watch = func(string, Job) {
		if s.asked == 1 {
			close(asked)
		}
	}
	said := 0 // of the neighbours, when the burn-in began
	_, _, err := start(t, s, d, func(c *Config) {
		c.Neighbours = func(ctx context.Context) (string, json.RawMessage) {
			<-asked // switches speak every 30 s; the job is there before
			return "1 disk", json.RawMessage(`{"heard":1}`)
		}
		c.BurnIn = func(_ context.Context, want metal.BurnIn, tell Tell) ([]metal.BurnInResult, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			said = len(s.ups)
			require.Equal(t, lengths, want)
			tell(1, 2, "cpu")
			return found, nil
		}
	})
	require.NoError(t, err)
	require.Equal(t, 2, said)
	require.JSONEq(t, `{"heard":1}`, string(s.ups[1].Hardware))
	require.Equal(t, []Report{{Kind: metal.Proven, Detail: "1 of 2 tests under load failed: disk S1", BurnIn: found}}, s.reports)
	require.Empty(t, d.did, "the burn-in alone touches disks")
}

func TestAProofWithoutABurnInNeedsNone(t *testing.T) {
	t.Parallel()
	for _, want := range []*metal.BurnIn{nil, {}} {
		s := &service{jobs: []Job{{Job: metal.JobProve, BurnIn: want}, leave}}
		_, _, err := start(t, s, &disk{})
		require.NoError(t, err)
		require.Equal(t, []Report{{Kind: metal.Proven, Detail: "nothing was to be tested under load"}}, s.reports)
	}
}

func TestAnAgentThatCannotBurnInSaysSo(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{prove, leave}}
	_, _, err := start(t, s, &disk{})
	require.NoError(t, err)
	require.Len(t, s.reports, 1)
	require.Equal(t, metal.AgentFail, s.reports[0].Kind)
	require.Contains(t, s.reports[0].Detail, "prove: this system cannot test its machine under load")
}

func TestABurnInThatBreaksOffKeepsWhatItFound(t *testing.T) {
	t.Parallel()
	s := &service{jobs: []Job{prove, leave}}
	found := []metal.BurnInResult{{Test: "cpu", Passed: true}}
	_, _, err := start(t, s, &disk{}, func(c *Config) {
		c.BurnIn = func(context.Context, metal.BurnIn, Tell) ([]metal.BurnInResult, error) {
			return found, errors.New("the tools are not to be had")
		}
	})
	require.NoError(t, err)
	require.Equal(t, []Report{{Kind: metal.AgentFail, Detail: "prove: burn-in: the tools are not to be had", BurnIn: found}}, s.reports)
}

func TestNothingIsTestedUnderLoadBeforeTheNeighboursWereToldOf(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := &agent{steps: newSteps(), heard: make(chan struct{}), Config: Config{Log: discard, Pace: Pace{Lenience: time.Minute}}}
	began := false
	a.BurnIn = func(context.Context, metal.BurnIn, Tell) ([]metal.BurnInResult, error) { began = true; return nil, nil }
	_, err := a.prove(ctx, &lengths)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, began)
}
