package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestARestoreIsNotedAndReportedUntilNothingIsInDoubt(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, out, _ := r.cli("restored", "report")
	require.Equal(t, exitDone, code)
	require.Equal(t, "no restore was noted\n", out)

	device := r.ordered("o-1")
	code, out, errs := r.cli("restored", "--since", "2026-01-02T03:04:05Z")
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "The records are of 2026-01-02T03:04:05Z. In doubt, and touched by nobody: 2 machines, 1 switches.")
	code, out, _ = r.cli("restored", "report")
	require.Equal(t, exitNot, code, "a script waits for it")
	require.Contains(t, out, "still in doubt: tor-r1 at lab1: not read yet")

	// What the survey does: the switch carries nobody, and both machines are off.
	ctx := t.Context()
	ports, err := r.store.PortIntents(ctx, "tor-r1", nil)
	require.NoError(t, err)
	var carried []metal.Carried
	for _, p := range ports {
		carried = append(carried, metal.Carried{Port: p.Port, Words: "millwright m parked"})
	}
	require.NoError(t, r.store.KeepCarried(ctx, "tor-r1", carried))
	for _, m := range []metal.MachineID{"m1", "m2"} {
		require.NoError(t, r.store.KeepFoundPower(ctx, metal.FoundPower{Machine: m, Power: metal.Off}))
	}
	r.exec("update ports set applied = generation")
	_, err = r.store.JudgeSite(ctx, "lab1", 0, 3)
	require.NoError(t, err)

	code, out, errs = r.cli("restored", "report")
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "machine-aside")
	require.Contains(t, out, "starter machine commission")
	require.Contains(t, out, "is not billed again")
	code, out, _ = r.cli("restored", "report", "-o", "json")
	require.Equal(t, exitDone, code)
	var answer restoredAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	require.Len(t, answer.Called, 2)
	require.Equal(t, device, answer.Called[0].Device)
	require.Equal(t, metal.DeviceGone, answer.Called[0].Kind)
}

func TestARestoreOfATimeToComeIsRefused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	code, _, errs := r.cli("restored", "--since", "2999-01-02T03:04:05Z")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "still to come")
}
