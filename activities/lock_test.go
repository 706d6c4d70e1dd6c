package activities_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/activities"
	"millwright/internal/junos"
	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

func TestALockThatAPersonKeepsIsToldWithWhoAndSinceWhen(t *testing.T) {
	t.Parallel()
	r := newRack(t, 3)
	r.fault(netconf.LockHeld, 0)
	c := r.committer(r.store)
	c.Patience = 600 * time.Millisecond
	began := time.Now()
	for _, err := range r.allAtOnce(c, metal.Tenant) {
		require.ErrorContains(t, err, "lock held by session 41 of operator since "+began.UTC().Format("2006-01-02T15"))
		require.NotErrorIs(t, err, metal.ErrConfigRefused)
	}
	require.Zero(t, r.lab.Commits())
	r.lab.ClearFaults()
	require.NoError(t, r.bring(c, 0, metal.Tenant), "the next attempt finds nobody in the way")
	require.Empty(t, r.lost(), "and takes the others along")
}

func TestWhoWaitsForALockIsServedWhenItGoes(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	r.fault(netconf.LockHeld, 2) // for as long as two knocks
	for _, err := range r.allAtOnce(r.committer(r.store), metal.Tenant) {
		require.NoError(t, err)
	}
	require.Empty(t, r.lost())
}

// lockedOut is a driver that finds somebody else at the switch, every time.
type lockedOut struct{ tries atomic.Int32 }

func (d *lockedOut) Apply(context.Context, metal.Switch, func(context.Context) (metal.Change, error)) (metal.Committed, error) {
	d.tries.Add(1)
	return metal.Committed{}, &junos.LockHeld{LockHolder: metal.LockHolder{User: "another worker"}}
}

func TestAWorkerThatNeverGetsTheLockHearsOfTheOthersCommit(t *testing.T) {
	t.Parallel()
	r := newRack(t, 2)
	out := &lockedOut{}
	waits := activities.NewCommitter(r.store, out)
	told := make(chan error, 1)
	go func() { told <- r.bring(waits, 0, metal.Tenant) }()
	require.Eventually(t, func() bool { return out.tries.Load() > 0 }, soon, time.Millisecond)
	require.NoError(t, r.bring(r.committer(r.store), 1, metal.Tenant))
	require.NoError(t, <-told)
	require.Empty(t, r.lost())
}
