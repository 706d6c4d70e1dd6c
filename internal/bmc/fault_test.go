package bmc_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/bmc"
	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

// Every one of these strikes once, is told as weather, and the same call then
// does what it was meant to.
func TestWeatherPassesWithARetry(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		redfish.ResetConnection: "reset by peer",
		redfish.IgnoresPower:    "does not read back as on",
		redfish.ForgetsBoot:     "reads back as none instead of pxe",
		redfish.DisablesBoot:    "reads back as none instead of pxe",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.arm(t, name, 1, 0)
			err := r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI)
			r.requireWeather(t, err)
			require.ErrorContains(t, err, says)
			require.Equal(t, metal.Off, r.Power(), "without its boot device a machine is not switched on")
			require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
			r.requireCalls(t, "on:network")
			require.Zero(t, r.Sessions())
		})
	}
}

func TestABusyBMCIsWeather(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.SessionBusy, 0, 0)
	var refused int
	for range 6 {
		if _, err := r.driver.Power(t.Context(), r.record); err != nil {
			r.requireWeather(t, err)
			require.ErrorContains(t, err, "insufficient resources for session")
			refused++
		}
	}
	require.Equal(t, 2, refused, "every third session is refused, and the ones between are not")
}

func TestPermanentRefusals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{
		redfish.RefuseLogin:      metal.ErrBadCredentials,
		redfish.WrongCertificate: metal.ErrFingerprint,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.arm(t, name, 0, 0)
			err := r.driver.SetPower(t.Context(), r.record, metal.On)
			require.ErrorIs(t, err, want)
			r.requireNamed(t, err)
			r.ClearFaults()
			require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
		})
	}
}

// A lie cannot be seen in the protocol. What matters is that Off, then On, as
// runs do when a machine stays silent, ends with the machine booting.
func TestALieAboutPowerEndsWithOffAndOn(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.LiesOn, 1, 0)
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	require.Equal(t, metal.Off, r.Power())
	r.bootAgain(t)
	r.requireCalls(t, "on:network")

	r.arm(t, redfish.LiesOff, 1, 0)
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.Off))
	require.Equal(t, metal.On, r.Power())
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	r.bootAgain(t)
	r.requireCalls(t, "on:network", "off", "on:network")
}

func (r *rack) bootAgain(t *testing.T) {
	t.Helper()
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.Off))
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
}

func TestAChangeUnderWayIsWaitedOut(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.Settle = 10 * time.Second
	r.arm(t, redfish.SlowPower, 1, 50*time.Millisecond)
	began := time.Now()
	require.NoError(t, r.driver.SetPower(t.Context(), r.record, metal.On))
	require.GreaterOrEqual(t, time.Since(began), 50*time.Millisecond, "PoweringOn is not On")
}

func TestAChangeThatNeverEndsIsWeather(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.SlowPower, 1, time.Hour)
	err := r.driver.SetPower(t.Context(), r.record, metal.On)
	r.requireWeather(t, err)
	require.ErrorContains(t, err, "power is still changing after 300ms")
}

func TestAContinuousOverrideIsTolerated(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.ContinuousBoot, 1, 0)
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	require.Equal(t, "Continuous", r.boot(t)["enabled"])
}

func TestABMCWithoutSessionsGetsBasicAuth(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.NoSessions, 0, 0)
	require.NoError(t, r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI))
	r.requireCalls(t, "on:network")

	r.arm(t, redfish.RefuseLogin, 0, 0)
	_, err := r.driver.Power(t.Context(), r.record)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
}

func TestCancellationFreesTheCallAtOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.Request = time.Hour
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("run was aborted")
	r.arm(t, redfish.HangInside, 1, 0)
	freed := make(chan error, 1)
	go func() {
		_, err := r.driver.Power(ctx, r.record)
		freed <- err
	}()
	require.Eventually(t, func() bool { return len(r.Faults()) == 0 }, 5*time.Second, time.Millisecond, "the hang strikes")
	cancel(reason)
	select {
	case err := <-freed:
		require.ErrorIs(t, err, reason)
		r.requireNamed(t, err)
	case <-time.After(5 * time.Second):
		require.Fail(t, "the call outlives its context")
	}
	r.requireNoSessions(t) // although the caller is gone
}

// A session that was made for a caller who left is one that somebody must close.
func TestCancellationDuringTheLoginLeavesNoSession(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.SlowLogin, 1, 0)
	ctx, cancel := context.WithCancel(t.Context())
	freed := make(chan error, 1)
	go func() {
		_, err := r.driver.Power(ctx, r.record)
		freed <- err
	}()
	require.Eventually(t, func() bool { return r.Sessions() == 1 }, 5*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-freed, context.Canceled)
	r.ClearFaults() // only now does the BMC answer
	r.requireNoSessions(t)
}

// Not even a log-out that hangs as well keeps a cancelled caller.
func TestCancellationDoesNotWaitForTheLogout(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.HangInside, 2, 0)
	ctx, cancel := context.WithCancel(t.Context())
	freed := make(chan error, 1)
	go func() {
		_, err := r.driver.Power(ctx, r.record)
		freed <- err
	}()
	require.Eventually(t, func() bool { return r.Faults()[0].Times == 1 }, 5*time.Second, time.Millisecond, "the hang strikes")
	cancel()
	select {
	case err := <-freed:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(2 * time.Second): // a log-out is given 3 s
		require.Fail(t, "the call waits for the log-out")
	}
	r.ClearFaults()
	// The next caller gets its turn, after the log-out.
	_, err := r.driver.Power(t.Context(), r.record)
	require.NoError(t, err)
}

func TestACallerWaitingForItsTurnGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.arm(t, redfish.Hang, 1, 0)
	first := make(chan error, 1)
	go func() {
		_, err := r.driver.Power(t.Context(), r.record)
		first <- err
	}()
	require.Eventually(t, func() bool { return r.accepts.Load() == 1 }, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := r.driver.Power(ctx, r.record)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, int64(1), r.accepts.Load(), "the BMC hears of one caller at a time")
	r.ClearFaults()
	require.NoError(t, <-first)
}

func TestSilenceIsWeatherAfterItsLimit(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.Request = 50 * time.Millisecond
	r.arm(t, redfish.Hang, 1, 0)
	_, err := r.driver.Power(t.Context(), r.record)
	r.requireWeather(t, err)
	require.ErrorContains(t, err, "no answer within 50ms")
	require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's time is not up")
}

func TestARefusedConnectionIsWeather(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.record.Address = ln.Addr().String()
	require.NoError(t, ln.Close())
	_, err = r.driver.Power(t.Context(), r.record)
	r.requireWeather(t, err)
	require.ErrorContains(t, err, "connection refused")
}

func TestAWrongPasswordIsPermanentAndStaysSecret(t *testing.T) {
	t.Parallel()
	r := setup(t)
	const wrong = "wrong-horse-battery"
	r.driver.Credentials = func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{User: "admin", Password: wrong}, nil
	}
	err := r.driver.PowerOn(t.Context(), r.record, metal.BootNetwork, metal.UEFI)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.NotContains(t, err.Error(), wrong)
	r.requireNamed(t, err)
}

func TestAnUnknownCredentialKeepsItsSentinel(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.Credentials = func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{}, metal.ErrNoSecret
	}
	_, err := r.driver.Power(t.Context(), r.record)
	require.ErrorIs(t, err, metal.ErrNoSecret)
	require.ErrorContains(t, err, `credential "bmc/m7"`)
	require.Zero(t, r.accepts.Load())
}

func TestNothingPinnedTrustsNobody(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.record.Fingerprint = ""
	_, err := r.driver.Power(t.Context(), r.record)
	require.ErrorIs(t, err, metal.ErrFingerprint)
	require.ErrorContains(t, err, redfish.Fingerprint("m7"), "the error says what there is to pin")
}

func TestAnUnknownProtocolIsUnsupported(t *testing.T) {
	t.Parallel()
	d := &bmc.Driver{Credentials: func(context.Context, string) (metal.Credential, error) {
		return metal.Credential{}, nil
	}}
	_, err := d.Power(t.Context(), metal.BMC{Machine: "m7", Address: "127.0.0.1", Protocol: "telnet"})
	require.ErrorIs(t, err, metal.ErrUnsupported)
}
