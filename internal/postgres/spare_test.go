package postgres_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// waits makes an agent wait on a machine, as a run of its own does it.
func (c *crowd) waits(machine metal.MachineID, version string) metal.AgentCall {
	c.t.Helper()
	ctx, run := c.t.Context(), "machine/"+string(machine)
	h, err := c.store.ClaimSpare(ctx, machine, run)
	require.NoError(c.t, err)
	booting, err := c.store.BootAgent(ctx, metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobIdle, Run: run})
	require.NoError(c.t, err)
	a := &agent{crowd: c, holding: h, call: metal.AgentCall{Machine: machine, Boot: booting.Number, TokenHash: []byte("a hash of " + machine)}}
	require.NoError(c.t, c.store.IssueToken(ctx, machine, booting.Number, a.call.TokenHash))
	a.says(metal.AgentUp, "up", func(s *metal.Said) { s.AgentVersion = version })
	require.NoError(c.t, c.store.ReturnSpare(ctx, h.Claim, true))
	return a.call
}

func (c *crowd) toWarm() (ids []metal.MachineID) {
	c.t.Helper()
	list, err := c.store.MachinesToWarm(c.t.Context(), 10)
	require.NoError(c.t, err)
	for _, m := range list {
		ids = append(ids, m.Machine)
	}
	slices.Sort(ids)
	return ids
}

func (c *crowd) sql(statement string) {
	c.t.Helper()
	require.NoError(c.t, c.store.Exec(c.t.Context(), statement))
}

func TestAPlanSaysHowManyMachinesWaitAndForHowLong(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4, 1)
	ctx := t.Context()
	require.Empty(t, c.toWarm(), "a plan that wants none has none")
	c.sql("update plans set warm = 2")
	require.Len(t, c.toWarm(), 2)
	call := c.waits("m3", "v1")
	require.Len(t, c.toWarm(), 1)
	c.waits("m4", "v1")
	require.Empty(t, c.toWarm())
	leaks, err := c.store.Leaks(ctx)
	require.NoError(t, err)
	require.Empty(t, leaks)

	require.NoError(t, c.store.SetAgentVersion(ctx, "lab1", "v1"))
	require.Empty(t, c.toWarm())
	require.NoError(t, c.store.SetAgentVersion(ctx, "lab1", "v2"))
	require.Len(t, c.toWarm(), 1, "an older agent is replaced, one machine at a time")
	require.NoError(t, c.store.SetAgentVersion(ctx, "lab1", "v1"))
	c.sql("update boot_intents set up_at = now() - interval '8 days' where machine = 'm4'")
	require.Equal(t, []metal.MachineID{"m4"}, c.toWarm(), "after a week it is booted again")
	c.sql("update boot_intents set up_at = now(), seen_at = now() - interval '1 hour' where machine = 'm4'")
	require.Len(t, c.toWarm(), 1, "one that fell silent is not counted on")

	h, err := c.claim(ctx, c.devices[0])
	require.NoError(t, err)
	require.Equal(t, metal.MachineID("m3"), h.Claim.Machine, "an order finds the one that waits")
	job, err := c.store.TakeJob(ctx, "m3", call.Boot, call.TokenHash)
	require.NoError(t, err, "it goes on waiting until it hears what for")
	require.Equal(t, metal.JobIdle, job.Job)
	booting, err := c.store.BootAgent(ctx, metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobInstall, Run: "device/x"})
	require.NoError(t, err)
	require.Equal(t, metal.Booting{Number: call.Boot, Warm: true}, booting)
	again, err := c.store.BootAgent(ctx, metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobInstall, Run: "device/x"})
	require.NoError(t, err)
	require.Equal(t, booting, again, "a repeat finds the same")
	job, err = c.store.TakeJob(ctx, "m3", call.Boot, call.TokenHash)
	require.NoError(t, err)
	require.Equal(t, metal.JobInstall, job.Job)
}

func TestAMachineIsARunsOfItsOwnOrADevicesNeverBoth(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	h, err := c.store.ClaimSpare(ctx, "m1", "machine/m1")
	require.NoError(t, err)
	_, err = c.store.ClaimMachine(ctx, c.devices[0], "")
	require.ErrorIs(t, err, metal.ErrNoMachine)
	_, err = c.store.ClaimSpare(ctx, "m1", "machine/another")
	require.ErrorIs(t, err, metal.ErrWrongState)
	again, err := c.store.ClaimSpare(ctx, "m1", "machine/m1")
	require.NoError(t, err)
	require.Greater(t, again.Claim.Epoch, h.Claim.Epoch)
	_, err = c.store.BootAgent(ctx, metal.NextBoot{Claim: h.Claim, Attempt: 1, Job: metal.JobIdle, Run: "machine/m1"})
	require.ErrorIs(t, err, metal.ErrStaleClaim, "a ghost's claim")
	lost, err := c.store.LostSpares(ctx, 0, 10)
	require.NoError(t, err)
	require.Len(t, lost, 1)
	require.NoError(t, c.store.ReturnSpare(ctx, again.Claim, false))
	_, err = c.claim(ctx, c.devices[0])
	require.NoError(t, err)
}
