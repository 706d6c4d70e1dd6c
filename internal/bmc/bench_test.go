package bmc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// BenchmarkRead is one patrol's visit, log-in and log-out included; half of
// the work is the simulated BMC's.
func BenchmarkRead(b *testing.B) {
	r := setup(b)
	require.NoError(b, r.driver.SetPower(b.Context(), r.record, metal.On))
	for b.Loop() {
		_, err := r.driver.Read(b.Context(), r.record, "")
		require.NoError(b, err)
	}
	b.ReportMetric(float64(r.Load().Requests)/float64(b.N), "requests/op")
}
