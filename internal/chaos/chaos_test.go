package main

import (
	"bytes"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A storm over forty machines, as make chaos has them over two hundred. A seed
// that failed there gets a test of its own name beside this one.
func TestAStormLosesLeaksAndDoublesNothing(t *testing.T) {
	t.Parallel()
	const machines = 40
	v := stormy(t, 1, machines, 90*time.Second)
	require.Greater(t, v.Total, tenants(machines), "each tenant has begun something; more is a matter of speed")
	kills := 0
	for _, n := range v.Disturbances {
		kills += n
	}
	require.Greater(t, kills, 10)
	require.NotEmpty(t, v.recovered)
}

// stormy runs one seed and requires that it breaks no promise.
func stormy(t *testing.T, seed uint64, machines int, storm time.Duration) *verdict {
	t.Helper()
	v, err := weather(t.Context(), seed, plan{
		machines: machines, storm: storm, disk: os.Geteuid() == 0, // only root may mount a disk
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	var words bytes.Buffer
	v.print(&words)
	t.Log(words.String())
	require.Empty(t, v.Findings)
	return v
}
