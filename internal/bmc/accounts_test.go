package bmc_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/redfish"
	"millwright/internal/metal"
)

const nextPassword = "Battery-Staple-20"

func TestANewPasswordOpensAndTheOldOneDoesNot(t *testing.T) {
	t.Parallel()
	r := setup(t)
	next := metal.Credential{User: "admin", Password: nextPassword}
	require.NoError(t, r.driver.SetPassword(t.Context(), r.record, next))
	_, err := r.driver.Power(t.Context(), r.record)
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	r.driver.Credentials = func(context.Context, string) (metal.Credential, error) { return next, nil }
	_, err = r.driver.Power(t.Context(), r.record)
	require.NoError(t, err)
	require.NoError(t, r.driver.SetPassword(t.Context(), r.record, next), "it may be set again")
}

func TestAUserWhoIsNotThereIsMade(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.NoError(t, r.driver.SetPassword(t.Context(), r.record, metal.Credential{User: "millwright", Password: nextPassword}))
	require.ElementsMatch(t, []string{"admin", "millwright"}, r.Users())
}

func TestARefusedPasswordIsInNoErrorAndNoLog(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var log bytes.Buffer
	r.driver.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	const short = "abc4567" // BMCs want eight
	err := r.driver.SetPassword(t.Context(), r.record, metal.Credential{User: "admin", Password: short})
	r.requireNamed(t, err)
	require.NotContains(t, err.Error(), short)
	require.NotContains(t, log.String(), short)
	require.Contains(t, log.String(), "BMC refused")
}

func TestABMCThatNobodyKnowsIsIdentified(t *testing.T) {
	t.Parallel()
	r := setup(t)
	got, err := r.driver.Identify(t.Context(), r.record.Address, metal.Credential{User: "admin", Password: password})
	require.NoError(t, err)
	require.Equal(t, metal.Redfish, got.Protocol)
	require.Equal(t, redfish.Fingerprint("m7"), got.Fingerprint)
	require.Equal(t, redfish.Vendor, got.Vendor)
	require.Equal(t, redfish.Model, got.Model)
	require.Equal(t, redfish.Serial("m7"), got.Serial)
	require.Equal(t, redfish.UUID("m7"), got.UUID)
	require.Equal(t, []string{"02:00:00:00:00:01"}, got.MACs)
	require.Len(t, got.Firmware, 2)

	_, err = r.driver.Identify(t.Context(), r.record.Address, metal.Credential{User: "admin", Password: "wrong-horse"})
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.ErrorContains(t, err, "BMC "+r.record.Address)
	require.NotContains(t, err.Error(), "wrong-horse")
}
