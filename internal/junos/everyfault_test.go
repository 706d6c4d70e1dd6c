package junos

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab/netconf"
	"millwright/internal/metal"
)

// operationsOfAnApply is how many there are where all goes well: lock, discard,
// read, edit, validate, compare, commit, read back, the two of the session that
// proves that there is a way in, the filters, confirm, read back, unlock, close.
const operationsOfAnApply = 15

func TestAnApplyHasAsManyOperationsAsTheFaultsHit(t *testing.T) {
	t.Parallel()
	for n, hit := range map[int]bool{operationsOfAnApply: true, operationsOfAnApply + 1: false} {
		r := setup(t)
		r.fault(t, fmt.Sprintf("refused:%d", n), 1)
		_, err := r.apply(t, tenant("xe-0/0/7"))
		require.NoError(t, err)
		require.Equal(t, hit, len(r.lab.Faults()) == 0)
	}
}

// Whatever befalls whichever operation, the port ends as intended or as it was,
// and Apply's answer says which.
func TestAFaultAtAnyOperationEndsAsApplySays(t *testing.T) {
	t.Parallel()
	faults := []netconf.FaultName{
		netconf.Refused, netconf.DropBefore, netconf.DropAfter, netconf.Hang, netconf.Garbage, netconf.Slow,
	}
	for _, fault := range faults {
		for n := range operationsOfAnApply {
			t.Run(fmt.Sprintf("%s-%d", fault, n+1), func(t *testing.T) {
				t.Parallel()
				endsAsApplySays(t, netconf.Fault{Name: fault, Skip: n, Times: 1, Delay: 20 * time.Millisecond})
			})
		}
	}
}

func endsAsApplySays(t *testing.T, fault netconf.Fault) {
	t.Helper()
	r := setup(t)
	patient := newDriver()
	require.NoError(t, commit(t.Context(), patient, r.sw, parked("xe-0/0/7")))
	before := r.configured(t)
	r.driver.Timeout, r.driver.CommitTimeout, r.driver.ConfirmTimeout = 500*time.Millisecond, 500*time.Millisecond, 2*time.Second
	r.lab.SetFault(fault)
	wanted := peering(routed(tenant("xe-0/0/7")))
	done, err := r.apply(t, wanted)
	r.lab.ClearFaults()

	switch _, refused := done.Refused[wanted.Port]; {
	case err == nil && !refused:
		require.Equal(t, []metal.Port{wanted.Port}, done.Changed)
		drifted, err := patient.Drift(t.Context(), r.sw, []metal.PortIntent{wanted})
		require.NoError(t, err)
		require.Empty(t, drifted)
		require.NotEqual(t, netconf.Confirmed, r.lab.History()[r.lab.Commits()-1].Kind, "and it stays so")
	case err == nil:
		require.Equal(t, before, r.configured(t), "refused: %s", done.Refused[wanted.Port])
	default:
		require.Empty(t, done)
		require.Eventually(t, func() bool { return r.configured(t) == before }, 10*time.Second, 10*time.Millisecond, err)
	}

	// Whatever it was, the next caller finds neither lock nor leftovers.
	require.Eventually(t, func() bool {
		return commit(t.Context(), patient, r.sw, wanted) == nil
	}, 10*time.Second, 10*time.Millisecond)
}

// The faults that only a commit has, each at the first and at the confirming
// one: timed out before its confirmation, refused, slower than anybody waits.
func TestAFaultOfACommitEndsAsApplySays(t *testing.T) {
	t.Parallel()
	for _, fault := range []netconf.FaultName{
		netconf.CommitRefused, netconf.RolledBack, netconf.DropBeforeCommit, netconf.DropAfterCommit, netconf.CommitSlow,
	} {
		for n := range 2 {
			t.Run(fmt.Sprintf("%s-%d", fault, n+1), func(t *testing.T) {
				t.Parallel()
				endsAsApplySays(t, netconf.Fault{Name: fault, Skip: n, Times: 1, Delay: 20 * time.Millisecond})
			})
		}
		t.Run(string(fault)+"-late", func(t *testing.T) {
			t.Parallel()
			endsAsApplySays(t, netconf.Fault{Name: fault, Times: 1, Delay: 700 * time.Millisecond}) // beyond the commit's limit
		})
	}
}

func TestAHeldLockIsWeatherAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	before := r.configured(t)
	r.fault(t, "lock-held", 1)
	_, err := r.apply(t, tenant("xe-0/0/7"))
	var held *LockHeld
	require.ErrorAs(t, err, &held)
	require.Equal(t, "41", held.Holder().Session)
	require.WithinDuration(t, time.Now(), held.Since, time.Minute)
	require.Equal(t, before, r.configured(t))
	require.Equal(t, "operator", held.User)
}
