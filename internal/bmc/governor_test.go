package bmc_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
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

func TestABMCThatFreezesUnderABurstIsAskedSlowly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.FreezesUnder, 0, 0)
		var done, failed int
		for done < 50 {
			require.Less(t, failed, 10)
			_, err := r.driver.Power(t.Context(), r.record)
			if err == nil {
				done++
				continue
			}
			r.requireWeather(t, err)
			if failed++; r.known().Gap == 600*time.Millisecond && failed < 5 {
				r.ResetLoad()
			}
			time.Sleep(10 * time.Second) // as runs wait before they try again
		}
		t.Log(failed, r.Load(), r.known())
		require.Equal(t, 600*time.Millisecond, r.known().Gap)
		require.LessOrEqual(t, r.Load().MostIn2s, 4)
	})
}

var _ = errors.As
