package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARoundThroughASmallSiteIsMeasured(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := &bench{bmcs: 30, noFsync: true, out: &out}
	r, err := b.run(t.Context())
	require.NoError(t, err, out.String())
	require.Equal(t, 30, r.BMCs)
	require.Positive(t, r.Seconds)
	require.Positive(t, r.CPU)
	require.Positive(t, r.Peak)
	require.Zero(t, r.Over, out.String())
	require.Contains(t, out.String(), "limits: 600 s, 512 MiB, 0 BMCs")
}

func TestSlowBMCsAreAllowedFewerCommands(t *testing.T) {
	t.Parallel()
	require.Equal(t, 50, allowed(0))
	require.Equal(t, 4, allowed(slowGap))
}
