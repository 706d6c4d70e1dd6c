package bmc_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

func TestAProcessThatDiedLetsTheBMCGoWhenItsLeaseEnds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		began := time.Now()
		_, mine, err := r.ledger.Take(t.Context(), "m7", "a process that is no more", began.Add(time.Minute))
		require.NoError(t, err)
		require.True(t, mine)

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = r.driver.Power(ctx, r.record)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "wait for another process")

		_, err = r.driver.Power(t.Context(), r.record)
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(began), time.Minute)
		require.Less(t, time.Since(began), 65*time.Second)
	})
}

func TestALongConversationKeepsItsTurn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.driver.Request = time.Hour
		r.arm(t, redfish.HangInside, 1, 4*time.Minute)
		first := make(chan error)
		go func() {
			_, err := r.driver.Power(t.Context(), r.record)
			first <- err
		}()
		time.Sleep(time.Second)
		began := time.Now()
		_, err := r.another().Power(t.Context(), r.record)
		require.NoError(t, err)
		require.Greater(t, time.Since(began), 3*time.Minute)
		require.NoError(t, <-first)
		require.Equal(t, 1, r.Load().MostSessions)
	})
}

// brittle is a ledger that can be away.
type brittle struct {
	*bmc.Memory
	away atomic.Bool
}

var errAway = errors.New("the ledger is away")

func (b *brittle) Take(ctx context.Context, machine metal.MachineID, holder string, until time.Time) (metal.BMCRecord, bool, error) {
	if b.away.Load() {
		return metal.BMCRecord{}, false, errAway
	}
	return b.Memory.Take(ctx, machine, holder, until)
}

// Nobody knows then who else begins to speak with the BMC.
func TestAConversationWhoseTurnLapsesIsCutOff(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		ledger := &brittle{Memory: r.ledger}
		r.driver.Ledger, r.driver.Request = ledger, time.Hour
		r.arm(t, redfish.HangInside, 1, 10*time.Minute)
		time.AfterFunc(time.Second, func() { ledger.away.Store(true) })
		began := time.Now()
		_, err := r.driver.Power(t.Context(), r.record)
		r.requireWeather(t, err)
		require.ErrorContains(t, err, "its turn lapsed")
		require.Less(t, time.Since(began), time.Minute)
		require.Zero(t, r.known().Failures, "the BMC is not to blame")

		_, err = r.driver.Power(t.Context(), r.record)
		require.ErrorIs(t, err, errAway)
		r.ClearFaults()
	})
}

func TestAProcessWithMuchToAskLetsOthersAskToo(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for ctx.Err() == nil {
				_, _ = r.driver.Power(ctx, r.record)
			}
		}()
		time.Sleep(time.Second)
		second, began := r.another(), time.Now()
		for range 3 {
			_, err := second.Power(t.Context(), r.record)
			require.NoError(t, err)
		}
		require.Less(t, time.Since(began), 30*time.Second)
		stop()
		<-stopped
	})
}

func TestTheRecordOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.RefuseSession, 0, 0)
		r.tries(t, 4, 0)
		score := r.known().Score
		require.Positive(t, score)
		_, err := r.another().Power(t.Context(), r.record)
		r.requireWeather(t, err)
		require.Equal(t, 5, r.known().Failures)
		require.Greater(t, r.known().Score, score)
		r.requireResting(t, r.another(), 30*time.Second)
	})
}
