package bmc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// requireResting holds an error to be one at once, that says for how long.
func (r *rack) requireResting(t *testing.T, d *bmc.Driver, left time.Duration) {
	t.Helper()
	asked, began := r.Load().Requests, time.Now()
	_, err := d.Power(t.Context(), r.record)
	r.requireWeather(t, err)
	var resting *bmc.Resting
	require.ErrorAs(t, err, &resting)
	require.WithinDuration(t, time.Now().Add(left), resting.Until, time.Millisecond)
	require.ErrorContains(t, err, "insufficient resources for session", "the reason is told")
	require.Equal(t, asked, r.Load().Requests, "the BMC hears nothing of it")
	require.Equal(t, began, time.Now())
}

func TestABMCThatKeepsFailingRestsForAllProcesses(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.RefuseSession, 0, 0)
		requireAll(t, r.tries(t, 5, 0), func(err error) bool { return err != nil })
		second := r.another()
		for _, rest := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
			r.requireResting(t, r.driver, rest)
			r.requireResting(t, second, rest)
			time.Sleep(rest)
			_, err := second.Power(t.Context(), r.record) // the one that tries
			require.NotErrorAs(t, err, new(*bmc.Resting))
			r.requireWeather(t, err)
		}
		time.Sleep(5 * time.Minute)
		r.ClearFaults()
		requireAll(t, r.tries(t, 3, 0), noError)
		require.Zero(t, r.known().Failures)
		require.Zero(t, r.known().RestsUntil)

		// After success the count begins anew.
		r.arm(t, redfish.RefuseSession, 0, 0)
		requireAll(t, r.tries(t, 4, 0), func(err error) bool { return err != nil })
		r.ClearFaults()
		requireAll(t, r.tries(t, 1, 0), noError)
	})
}

func TestOneConversationTriesAfterARestAndTheOthersAreToldOfIt(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.RefuseSession, 0, 0)
		r.tries(t, 5, 0)
		time.Sleep(30 * time.Second)
		r.ResetLoad()
		errs := make(chan error)
		for range 10 {
			go func() {
				_, err := r.driver.Power(t.Context(), r.record)
				errs <- err
			}()
		}
		var resting int
		for range 10 {
			if err := <-errs; isResting(err) {
				resting++
			}
		}
		require.Equal(t, 9, resting)
		require.LessOrEqual(t, r.Load().Requests, 3, "one log-in")
	})
}

// Whoever has the BMC meanwhile, such as a process that resets it.
func TestAnsweringThatABMCRestsWaitsForNobody(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.arm(t, redfish.RefuseSession, 0, 0)
		r.tries(t, 5, 0)
		_, mine, err := r.ledger.Take(t.Context(), "m7", "another", time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.True(t, mine)
		r.requireResting(t, r.driver, 30*time.Second)
	})
}

func isResting(err error) bool {
	var resting *bmc.Resting
	return errors.As(err, &resting)
}

func TestWhatIsNotTheBMCsFaultLetsItNotRest(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*rack) context.Context{
		"bad credentials": func(r *rack) context.Context {
			r.SetFault(redfish.Fault{Name: redfish.RefuseLogin})
			return context.Background()
		},
		"a caller that leaves": func(*rack) context.Context {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return ctx
		},
		"no credential": func(r *rack) context.Context {
			r.driver.Credentials = func(context.Context, string) (metal.Credential, error) {
				return metal.Credential{}, context.DeadlineExceeded // of the vault's
			}
			return context.Background()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, r *rack) {
				ctx := spoil(r)
				for range 10 {
					_, err := r.driver.Power(ctx, r.record)
					require.Error(t, err)
					require.False(t, isResting(err))
				}
				require.Zero(t, r.known().Failures)
				require.Zero(t, r.known().Score)
			})
		})
	}
}

func TestACallersPatienceSaysNothingOfTheBMC(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		for range 10 {
			r.arm(t, redfish.Hang, 1, 10*time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := r.driver.Power(ctx, r.record)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Zero(t, r.known().Failures)
	})
}
