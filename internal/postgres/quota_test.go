package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

func (r *rig) order(id, project string) error {
	r.t.Helper()
	input := fmt.Sprintf(`{"action":"provision","project":%q,"site":"lab1","plan":"c1.small","operating_system":"debian_12"}`, project)
	o, err := metal.ParseOrder(metal.OrderID(id), []byte(input))
	require.NoError(r.t, err)
	_, err = r.store.RecordOrder(r.t.Context(), o)
	return err
}

// orders places so many at once, and returns how many were taken. Whatever else
// happens, only the quota refuses.
func (r *rig) orders(n int, project string) (taken int) {
	r.t.Helper()
	var all sync.WaitGroup
	refusals := make([]error, n)
	for i := range n {
		all.Go(func() { refusals[i] = r.order(fmt.Sprintf("%s-%d", project, i), project) })
	}
	all.Wait()
	for _, err := range refusals {
		if err == nil {
			taken++
			continue
		}
		require.ErrorIs(r.t, err, metal.ErrQuota)
	}
	return taken
}

func TestFiftyOrdersAtOnceGetWhatTheQuotaLeaves(t *testing.T) {
	t.Parallel()
	r := imported(t)
	require.NoError(t, r.store.SetQuota(t.Context(), "acme", "devices", 10))
	require.Equal(t, 10, r.orders(50, "acme"))
	require.Equal(t, 3, r.orders(3, "umbra"), "another project has no limit")

	require.NoError(t, r.store.SetQuota(t.Context(), "lotus", "devices", 20))
	require.NoError(t, r.store.SetQuota(t.Context(), "lotus", "devices/c1.small", 4))
	require.Equal(t, 4, r.orders(50, "lotus"), "the plan's is the smaller one")

	quotas, err := r.store.Quotas(t.Context(), "lotus")
	require.NoError(t, err)
	require.Len(t, quotas, 2)
	for _, q := range quotas {
		require.EqualValues(t, 4, q.Has, q.Resource)
	}
}

func TestADeviceCountsUntilItsMachineIsFree(t *testing.T) {
	t.Parallel()
	r := imported(t)
	require.NoError(t, r.store.SetQuota(t.Context(), "acme", "devices/c1.small", 1))
	require.NoError(t, r.order("one", "acme"))
	require.NoError(t, r.order("one", "acme"), "a repeat asks for nothing more")
	r.exec("update devices set state = 'deprovisioning'")
	require.ErrorContains(t, r.order("two", "acme"), "has 1 of 1 devices/c1.small and asks for 1 more")
	r.exec("update devices set state = 'deleted', deleted_at = now()")
	require.NoError(t, r.order("two", "acme"))
}

func TestAQuotaIsOfSomethingThatThereIs(t *testing.T) {
	t.Parallel()
	r := imported(t)
	require.ErrorContains(t, r.store.SetQuota(t.Context(), "acme", "devices/c9.huge", 1), `no plan is called "c9.huge"`)
	require.ErrorContains(t, r.store.SetQuota(t.Context(), "acme", "device", 1), "write one of public-ipv4, reserved-ipv4, reserved-ipv6, devices, devices/<plan>")
}
