package bmc_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

func TestProcessesThatShareALedgerNeverHoldTwoSessions(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		const each = 10
		errs := make(chan error)
		for _, d := range []*bmc.Driver{r.driver, r.another(), r.another()} {
			for range each {
				go func() {
					_, err := d.Power(t.Context(), r.record)
					errs <- err
				}()
			}
		}
		for range 3 * each {
			require.NoError(t, <-errs)
		}
		require.Equal(t, 1, r.Load().MostSessions)
	})
}

// As Omni's issue 785 tells of one: five commands within two seconds, and it
// answers nobody for half a minute.
func TestABMCThatFreezesUnderABurstIsAskedSlowly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.FreezesUnder, 0, 0)
		for failed, done := 0, 0; done < 50; {
			_, err := r.driver.Power(t.Context(), r.record)
			if err == nil {
				done++
				continue
			}
			r.requireWeather(t, err)
			failed++
			require.LessOrEqual(t, failed, 2, "one freeze, and another, teach the pace")
			r.ResetLoad()
			time.Sleep(10 * time.Second) // as runs wait before they try again
		}
		require.Equal(t, 600*time.Millisecond, r.known().Gap)
		require.LessOrEqual(t, r.Load().MostIn2s, 4)

		// What one process learnt, the next one knows.
		r.ResetLoad()
		second := r.another()
		for range 5 {
			_, err := second.Power(t.Context(), r.record)
			require.NoError(t, err)
		}
		require.LessOrEqual(t, r.Load().MostIn2s, 4)
	})
}

// Neither a rack without power nor a cable that is out says how a BMC wants to
// be asked.
func TestABMCThatIsAwayTeachesNoPace(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		requireAll(t, r.tries(t, 1, 2*time.Minute), noError)
		r.arm(t, redfish.Hang, 0, time.Hour)
		for _, err := range r.tries(t, 3, time.Second) {
			require.ErrorContains(t, err, "no answer within 30s")
		}
		require.Zero(t, r.known().Gap)
	})
}

func TestALearntGapShortensSlowly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.teach(t, metal.BMCRecord{Gap: 600 * time.Millisecond})
		requireAll(t, r.tries(t, 99, 0), noError)
		require.Equal(t, 600*time.Millisecond, r.known().Gap)
		requireAll(t, r.tries(t, 1, 0), noError)
		require.Equal(t, 540*time.Millisecond, r.known().Gap)
	})
}

func TestTheUsualPaceIsABurstAndThenOneCommandAtATime(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		sent := r.commands()
		requireAll(t, r.tries(t, 20, 0), noError)
		require.Equal(t, sent(), sortedTimes(sent()))
		requireRate(t, sent(), 10, 50*time.Millisecond)
	})
}

func TestTheDeclaredGapWins(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.teach(t, metal.BMCRecord{Gap: 200 * time.Millisecond})
		r.record.Gap = time.Second
		sent := r.commands()
		requireAll(t, r.tries(t, 3, 0), noError)
		requireRate(t, sent(), 1, time.Second)
		require.Zero(t, r.Sessions(), "a log-out is given its time as well")
	})
}

// A command may arrive just before it is answered: what is late must not be
// followed by what is on time.
func TestASlowBMCHasItsGapAfterEachAnswer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.record.Gap = 300 * time.Millisecond
		const late = 2 * time.Second
		r.arm(t, "hang", 1, late)
		sent := r.commands()
		requireAll(t, r.tries(t, 2, 0), noError)
		requireRate(t, sent()[1:], 1, r.record.Gap)
		require.GreaterOrEqual(t, sent()[1].Sub(sent()[0]), late+r.record.Gap)
	})
}

// Alone each of them would begin with a burst.
func TestProcessesThatAlternateKeepOnePace(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		sent := r.commands()
		second := r.another()
		second.Sent = r.driver.Sent
		for range 10 {
			for _, d := range []*bmc.Driver{r.driver, second} {
				_, err := d.Power(t.Context(), r.record)
				require.NoError(t, err)
			}
		}
		requireRate(t, sent(), 10, 50*time.Millisecond)
	})
}

func TestABMCThatAnswersEveryThirdSessionIsAskedUntilItDoes(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.EveryThird, 0, 0)
		all := r.tries(t, 60, time.Second)
		for i, err := range all {
			if i%3 == 2 {
				require.NoError(t, err)
				continue
			}
			r.requireWeather(t, err)
			require.ErrorContains(t, err, "insufficient resources for session")
		}
		require.Greater(t, r.known().Score, 0.3, "of two thirds, after somewhat more than a half-life")
		require.Less(t, r.known().Score, 0.5)
		require.Zero(t, r.known().Failures)
	})
}

func TestALieAboutPowerIsWhatTheVerbEndsWith(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.IgnoresPower, 0, 0)
		err := r.driver.SetPower(t.Context(), r.record, metal.On)
		r.requireWeather(t, err)
		require.ErrorContains(t, err, "command accepted, but power does not read back as on after 20s")
		require.Contains(t, r.known().LastError, "does not read back as on")
	})
}

func TestOperatorsSeeWhatCameOfConversations(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		var seen []string
		r.driver.Observe = func(b metal.BMC, verb, outcome string, took time.Duration) {
			require.Equal(t, r.record, b)
			require.Contains(t, bmc.Outcomes, outcome)
			seen = append(seen, verb+": "+outcome)
		}
		r.tries(t, 1, 0)
		r.arm(t, redfish.RefuseLogin, 1, 0)
		r.tries(t, 1, 0)
		r.arm(t, redfish.RefuseSession, 0, 0)
		r.tries(t, 6, 0)
		require.Equal(t, []string{
			"read power: ok", "read power: refused",
			"read power: weather", "read power: weather", "read power: weather", "read power: weather", "read power: weather",
			"read power: resting",
		}, seen)
	})
}

// teach has the ledger know something of the BMC.
func (r *rack) teach(t *testing.T, record metal.BMCRecord) {
	t.Helper()
	_, mine, err := r.ledger.Take(t.Context(), r.record.Machine, "teacher", time.Now())
	require.NoError(t, err)
	require.True(t, mine)
	require.NoError(t, r.ledger.Done(t.Context(), r.record.Machine, "teacher", record))
}

// commands notes when the driver sends one.
func (r *rack) commands() (sent func() []time.Time) {
	var mu sync.Mutex
	var all []time.Time
	r.driver.Sent = func(_ metal.BMC, at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, at)
	}
	return func() []time.Time {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func sortedTimes(times []time.Time) []time.Time {
	return slices.SortedFunc(slices.Values(times), time.Time.Compare)
}

// requireRate holds commands to one each gap, after a burst: between any two
// that stand n apart lie n gaps, but for the burst.
func requireRate(t *testing.T, sent []time.Time, burst int, gap time.Duration) {
	t.Helper()
	require.Greater(t, len(sent), burst+1)
	for first := range sent {
		for last := first + burst; last < len(sent); last++ {
			least := time.Duration(last-first-burst+1) * gap
			require.GreaterOrEqual(t, sent[last].Sub(sent[first]), least, "commands %d to %d", first, last)
		}
	}
}

func noError(err error) bool { return err == nil }

func requireAll(t *testing.T, all []error, is func(error) bool) {
	t.Helper()
	for _, err := range all {
		require.True(t, is(err), "%v", err)
	}
}

func TestIPMIKeepsThePace(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	r := &rack{driver: s.driver, record: s.record}
	r.record.Gap = 300 * time.Millisecond
	sent := r.commands()
	require.NoError(t, s.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.BIOS))
	requireRate(t, sent(), 1, 200*time.Millisecond) // on a busy machine a command may be told of late
}
