package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// An agent that waits asks again whenever its machine's row changes. Were the
// question a change, it would ask for ever.
func TestAnAgentThatAsksAgainChangesNothingOfItsMachine(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	a := c.boots(metal.JobInstall)
	before, err := c.store.Queries().GetMachine(ctx, string(a.call.Machine))
	require.NoError(t, err)
	require.True(t, before.Dirty, "it was handed a job that writes")
	for range 3 {
		_, err = c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
		require.NoError(t, err)
	}
	after, err := c.store.Queries().GetMachine(ctx, string(a.call.Machine))
	require.NoError(t, err)
	require.Equal(t, before.ChangedAt, after.ChangedAt)
}

// An agent asks for its job while its boot reports and sends its log. All of
// them lock the machine and the boot's intent; none in a circle, which Postgres
// would break after a second by refusing one of them.
func TestAnAgentsCallsNeverWaitForEachOtherInACircle(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	ctx := t.Context()
	a := c.boots(metal.JobInstall)
	const rounds = 150
	errs := make(chan error, 3*rounds)
	var all sync.WaitGroup
	for _, call := range []func(i int) error{
		func(int) error {
			_, err := c.store.TakeJob(ctx, a.call.Machine, a.call.Boot, a.call.TokenHash)
			return err
		},
		func(i int) error {
			_, err := c.store.Record(ctx, metal.Said{TokenHash: a.call.TokenHash, AgentVersion: fmt.Sprint(i),
				Report: metal.Report{Machine: a.call.Machine, Boot: a.call.Boot, Kind: metal.AgentUp}})
			return err
		},
		func(i int) error {
			_, err := c.store.AppendLog(ctx, a.call, int64(i), []byte("x"))
			return err
		},
	} {
		all.Go(func() {
			for i := range rounds {
				errs <- call(i)
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}
