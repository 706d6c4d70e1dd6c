package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func TestAMachineIsTestedAsItsPlanSaysAndTheLastWordIsKept(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	want := metal.BurnIn{CPU: time.Minute, Disks: time.Hour}
	err := c.store.Exec(ctx, `update plans set fitness = fitness || '{"burn_in": {"cpu": 60000000000, "disks": 3600000000000}}'`)
	require.NoError(t, err)

	a := c.boots(metal.JobProve)
	job, err := c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
	require.NoError(t, err)
	require.Equal(t, metal.AgentJob{Job: metal.JobProve, BurnIn: want, Erase: job.Erase, Kexec: job.Kexec}, job)

	found := []metal.BurnInResult{{Test: "disk", Part: "S1\x00", Detail: "\xff", Seconds: 1.5, Figures: map[string]float64{"read_mib_s": 3}}}
	a.says(metal.Proven, "1 of 1 failed", func(s *metal.Said) { s.BurnIn = found })
	kept, err := c.store.BurnIn(ctx, a.call.Machine, a.call.Boot)
	require.NoError(t, err)
	require.Equal(t, []metal.BurnInResult{{Test: "disk", Part: "S1", Detail: "?", Seconds: 1.5, Figures: map[string]float64{"read_mib_s": 3}}}, kept)

	a.bootsAgain(metal.JobProve, 2)
	kept, err = c.store.BurnIn(ctx, a.call.Machine, a.call.Boot)
	require.NoError(t, err)
	require.Empty(t, kept, "another boot has not been tested yet")
}
