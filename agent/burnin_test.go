package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/agent"
	"millwright/internal/metal"
)

// passed names the tests, none of which may have failed.
func passed(t *testing.T, results []metal.BurnInResult) (names []string) {
	t.Helper()
	for _, r := range results {
		require.True(t, r.Passed, "%s %s: %s", r.Test, r.Part, r.Detail)
		require.NotEmpty(t, r.Figures)
		names = append(names, r.Test+" "+r.Part)
	}
	return names
}

// TestAMachineIsProvenUnderLoad leaves memory alone: all that is free would be
// that of the machine which runs the tests.
func TestAMachineIsProvenUnderLoad(t *testing.T) {
	t.Parallel()
	lengths := metal.BurnIn{CPU: time.Second, Disks: 6 * time.Second, Network: 100 * time.Millisecond}
	b := &boot{jobs: []agent.Job{{Job: metal.JobProve, BurnIn: &lengths}, {Job: metal.JobLeave}}}
	first, second := dirtyDisk(t), dirtyDisk(t)
	require.Equal(t, agent.Reboot, start(t, b, "c0ffee", first, second))
	require.Equal(t, metal.Proven, b.said[0].Kind, b.said[0].Detail)
	results := map[string]metal.BurnInResult{}
	for _, r := range b.said[0].BurnIn {
		results[r.Test+" "+r.Part] = r
	}
	for _, name := range []string{"cpu ", "disk " + first, "disk " + second, "network "} {
		require.True(t, results[name].Passed, "%s: %s", name, results[name].Detail)
	}
	require.Positive(t, results["network "].Figures["send_mib_s"])
	require.NotContains(t, string(read(t, first)), "secret!")
	require.NotContains(t, string(read(t, second)), "secret!")
}

func TestNoiseThatArrivesChangedFailsTheNetwork(t *testing.T) {
	t.Parallel()
	lengths := metal.BurnIn{Network: 100 * time.Millisecond}
	b := &boot{damage: true, jobs: []agent.Job{{Job: metal.JobProve, BurnIn: &lengths}, {Job: metal.JobLeave}}}
	start(t, b, "c0ffee")
	require.Equal(t, metal.Proven, b.said[0].Kind, b.said[0].Detail)
	require.Contains(t, b.said[0].Detail, "tests under load failed: network")
	last := b.said[0].BurnIn[len(b.said[0].BurnIn)-1]
	require.Contains(t, last.Detail, "send: the content changed on its way: at byte 0")
}
