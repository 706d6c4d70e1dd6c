package bmc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// startsIn gives the BMC a start as slow as some have.
func (r *rack) startsIn(while time.Duration) {
	hardware := redfish.Usual("m7")
	hardware.Restart = while
	r.Fit(hardware)
}

func TestABMCThatIsStuckIsResetOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.startsIn(90 * time.Second)
		r.arm(t, redfish.StuckInside, 0, 0)
		failed := func(err error) bool { return err != nil }
		requireAll(t, r.tries(t, 5, 0), failed)
		for _, rest := range []time.Duration{30 * time.Second, time.Minute} {
			require.Zero(t, r.Restarts(), "its breaker has to open three times")
			time.Sleep(rest)
			requireAll(t, r.tries(t, 1, 0), failed)
		}
		require.Equal(t, 1, r.Restarts())
		require.WithinDuration(t, time.Now(), r.known().ResetAt, 10*time.Second)
		require.WithinDuration(t, time.Now().Add(2*time.Minute), r.known().RestsUntil, 10*time.Second)

		time.Sleep(2 * time.Minute)
		requireAll(t, r.tries(t, 3, 0), noError)

		// Stuck again within six hours it waits for somebody; another process
		// knows that as well.
		r.arm(t, redfish.StuckInside, 0, 0)
		r.driver = r.another()
		r.tries(t, 60, 5*time.Minute)
		require.Equal(t, 1, r.Restarts())
		r.tries(t, 15, 5*time.Minute)
		require.Equal(t, 2, r.Restarts(), "six hours later")
		time.Sleep(5 * time.Minute)
		requireAll(t, r.tries(t, 1, 0), noError)
	})
}

func TestABMCThatWritesFirmwareIsNotResetMeanwhile(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		_, _ = r.driver.UpdateStatus(t.Context(), r.record, "/redfish/v1/TaskService/Tasks/1")
		r.arm(t, redfish.StuckInside, 0, 0)
		r.tries(t, 60, 5*time.Minute)
		require.Zero(t, r.Restarts())
	})
}

func TestAColdResetReturnsOnceTheBMCAnswers(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.startsIn(3 * time.Minute)
		require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
		r.arm(t, redfish.RefuseSession, 0, 0)
		r.tries(t, 5, 0)
		r.ClearFaults()
		require.NotZero(t, r.known().RestsUntil)

		began := time.Now()
		require.NoError(t, r.driver.ColdReset(t.Context(), r.record), "also of one that rests")
		require.Equal(t, 1, r.Restarts())
		require.GreaterOrEqual(t, time.Since(began), 3*time.Minute)
		require.Less(t, time.Since(began), 4*time.Minute)
		require.Zero(t, r.known().RestsUntil)
		require.Equal(t, []string{"on:"}, r.chassis.read(), "the machine runs on")
		requireAll(t, r.tries(t, 1, 0), noError)
	})
}

func TestABMCThatStaysAwayAfterAColdResetIsTold(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, r *rack) {
		r.startsIn(time.Hour)
		err := r.driver.ColdReset(t.Context(), r.record)
		r.requireWeather(t, err)
		require.ErrorContains(t, err, "it does not answer 5m0s after it was told to start anew; take its power away")
	})
}

func TestIPMIResetsABMC(t *testing.T) {
	t.Parallel()
	s := setupIPMI(t)
	s.noteArguments(t)
	s.driver.Settle = 100 * time.Millisecond
	require.NoError(t, s.driver.ColdReset(t.Context(), s.record))
	require.Contains(t, s.read(t, "args"), "mc reset cold")
}
