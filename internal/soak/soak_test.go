package main

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Two minutes see what leaks with every step, not what leaks slowly: limits are
// five times as wide, and make soak takes its time. On a machine that has
// better things to do reconcile comes late, and so does forgetting.
func TestAMonthInTwoMinutesLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	defer stop()
	var out bytes.Buffer
	err := run(ctx, Config{
		Minutes: 2, Machines: 6, Lives: 3, Loose: 5, Sample: 2 * time.Second,
		Reconcile: 2 * time.Second, Switches: 10 * time.Second, Patrol: 5 * time.Second,
	}, &out)
	require.NoError(t, err, "%s", &out)
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	var last said
	require.NoError(t, json.Unmarshal(lines[len(lines)-1], &last))
	require.Equal(t, flat, last.Verdict)
	require.Greater(t, last.Provisions, 4, "%s", &out)
	require.Positive(t, last.Patrols)
	require.Empty(t, last.Tables)
}
