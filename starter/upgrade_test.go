package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What they do with a Temporal is tested in internal/rig, between two releases.
func TestUpgradesSayThatTemporalIsAway(t *testing.T) {
	t.Parallel()
	r := &rig{t: t}
	for _, args := range [][]string{
		{"upgrade", "builds"},
		{"upgrade", "use", "1.5.0", "--within", "1s"},
		{"upgrade", "drain", "1.4.0", "--within", "1s"},
		{"upgrade", "move", "--from", "1.4.0", "--to", "1.5.0"},
	} {
		code, out, errs := r.cli(args...)
		require.Equal(t, exitNot, code, args)
		require.Empty(t, out, args)
		require.Contains(t, errs, "is Temporal running, and is MILLWRIGHT_TEMPORAL_ADDRESS right?", args)
	}
	code, _, errs := r.cli("upgrade", "move", "--to", "1.5.0")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "--from")
}
