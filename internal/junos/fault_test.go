package junos

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

func TestAHeldLockNamesItsHolder(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "lock-held", 1)
	err := r.commit(t, parked("xe-0/0/7"))
	var held *LockHeld
	require.ErrorAs(t, err, &held)
	require.Equal(t, "41", held.Session)
	require.Equal(t, "operator", held.User)
	require.ErrorContains(t, err, "tor-r1")
	require.NoError(t, r.commit(t, parked("xe-0/0/7")))
}

func TestARefusedCommitSaysWhyAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	before := r.lab.Snapshot()
	r.fault(t, "commit-refused", 0)
	err := r.commit(t, tenant("xe-0/0/7"))
	require.ErrorIs(t, err, metal.ErrConfigRefused)
	require.ErrorContains(t, err, "[edit interfaces]: commit refused by the fault")
	require.Equal(t, before, r.lab.Snapshot())
	r.lab.ClearFaults()
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")), "neither lock nor candidate was left behind")
}

func TestARefusedLoginIsBadCredentials(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "login-refused", 0)
	err := r.commit(t, parked("xe-0/0/7"))
	require.ErrorIs(t, err, metal.ErrBadCredentials)
	require.NotContains(t, err.Error(), "s3cret")
}

func TestAnotherHostKeyIsNeverTrusted(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.sw.HostKey = netconf.HostKeyFingerprint("impostor")
	asked := false
	credentials := r.driver.Credentials
	r.driver.Credentials = func(ctx context.Context, name string) (metal.Credential, error) {
		asked = true
		return credentials(ctx, name)
	}
	err := r.commit(t, parked("xe-0/0/7"))
	require.True(t, asked)
	require.ErrorIs(t, err, metal.ErrFingerprint)
	require.ErrorContains(t, err, netconf.HostKeyFingerprint("tor-r1"), "an operator sees what the switch showed")
}

func TestASlowCommitIsAwaited(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.lab.SetFault(netconf.Fault{Name: netconf.CommitSlow, Times: 1, Delay: 50 * time.Millisecond})
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")))
	require.Empty(t, r.differing(t, tenant("xe-0/0/7")))
}

func TestACommitThatWasRolledBackIsNotCalledApplied(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "rolled-back", 1)
	err := r.commit(t, tenant("xe-0/0/7"))
	require.ErrorContains(t, err, "xe-0/0/7")
	require.ErrorIs(t, err, errNotInForce)
	require.Equal(t, 2, r.lab.Commits(), "what was not seen is not confirmed")
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")))
	require.Empty(t, r.differing(t, tenant("xe-0/0/7")))
}

// The rollback falls between the look and the confirmation, which then
// confirms nothing and is answered with ok.
func TestAConfirmationThatCameTooLateIsNotCalledApplied(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.driver.ConfirmTimeout = time.Second
	f, err := netconf.ParseFault("commit-slow:2", 1, 1200*time.Millisecond)
	require.NoError(t, err)
	r.lab.SetFault(f)
	require.ErrorIs(t, r.commit(t, tenant("xe-0/0/7")), errNotInForce)
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")))
}

func TestASessionLostBeforeTheCommitAppliesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	before := r.lab.Snapshot()
	r.fault(t, "drop-before-commit", 1)
	err := r.commit(t, tenant("xe-0/0/7"))
	require.ErrorContains(t, err, "nothing applied")
	require.ErrorContains(t, err, "session lost")
	require.Equal(t, before, r.lab.Snapshot())
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")))
}

func TestASessionLostAfterTheCommitIsConfirmedFromANewOne(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "drop-after-commit", 1)
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")))
	require.Equal(t, netconf.Confirming, r.lab.History()[1].Kind)
	require.NotEqual(t, r.lab.History()[0].Session, r.lab.History()[1].Session)
}

func TestASessionLostAfterTheConfirmationIsNoFailure(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "drop-after-commit:2", 1)
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")))
	require.Empty(t, r.differing(t, tenant("xe-0/0/7")))
}

// An RFC 6241 server takes a confirmed commit back when its session ends.
func TestASwitchThatRevertsAtSessionEndIsNotCalledApplied(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *netconf.Config) { c.RevertAtSessionEnd = true })
	r.fault(t, "drop-after-commit", 1)
	require.ErrorIs(t, r.commit(t, tenant("xe-0/0/7")), errNotInForce)
	require.NoError(t, r.commit(t, tenant("xe-0/0/7")))
	require.Empty(t, r.differing(t, tenant("xe-0/0/7")))
}

// The first caller dies with its commit unconfirmed; the second finds all as
// intended and must not believe it.
func TestACommitThatItsCallerDidNotLiveToConfirmIsConfirmedByTheNext(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.fault(t, "hang:8", 1) // lock, discard, read, edit, validate, commit, read back, confirm
	dead := make(chan error, 1)
	go func() { dead <- commit(ctx, r.driver, r.sw, tenant("xe-0/0/7")) }()
	require.Eventually(t, func() bool { return len(r.lab.Faults()) == 0 }, 5*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-dead, context.Canceled)
	require.Equal(t, 1, r.lab.Commits())

	require.Eventually(t, func() bool {
		err := r.commit(t, tenant("xe-0/0/7"))
		var held *LockHeld
		return err == nil || !errors.As(err, &held) // the switch may take a moment to see that the first one left
	}, 5*time.Second, time.Millisecond)
	require.Equal(t, netconf.Confirming, r.lab.History()[1].Kind)
}

func TestASwitchThatHangsIsLeftAtTheDeadline(t *testing.T) {
	t.Parallel()
	for _, nth := range []string{"hang:1", "hang:3", "hang:6", "hang:7", "hang:8"} {
		t.Run(nth, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.driver.Timeout, r.driver.CommitTimeout = 200*time.Millisecond, 200*time.Millisecond
			r.fault(t, nth, 1)
			if err := r.commit(t, tenant("xe-0/0/7")); err != nil {
				require.ErrorContains(t, err, "session lost")
				require.Eventually(t, func() bool { return r.commit(t, tenant("xe-0/0/7")) == nil }, 5*time.Second, 10*time.Millisecond)
			}
			require.Empty(t, r.differing(t, tenant("xe-0/0/7")))
		})
	}
}

func TestGarbageEndsTheSessionAndIsNoAnswer(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "garbage:3", 1)
	require.ErrorContains(t, r.commit(t, tenant("xe-0/0/7")), "session lost")
	require.Eventually(t, func() bool { return r.commit(t, tenant("xe-0/0/7")) == nil }, 5*time.Second, 10*time.Millisecond)
}

func TestACancelledCallLeavesTheSwitchAtOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fault(t, "hang", 1)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- commit(ctx, r.driver, r.sw, parked("xe-0/0/7")) }()
	require.Eventually(t, func() bool { return len(r.lab.Faults()) == 0 }, 5*time.Second, time.Millisecond)
	cancelled := time.Now()
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	require.Less(t, time.Since(cancelled), 2*time.Second)
}
