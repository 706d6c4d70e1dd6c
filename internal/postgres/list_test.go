package postgres_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

func TestEachKindOfLeakIsSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, kind, what string }{
		{"a machine let go by hand", "update ports set profile = 'parked', device = null; update machines set state = 'claimed' where state = 'occupied'; update machines set state = 'idle', device = null", "lease", "10.64.0.0/31 of device %s, which is active"},
		{"a device ended by hand", "update usages set ended_at = now(); update devices set state = 'deleted', deleted_at = now()", "claim", "m1 is occupied for device %s, which is deleted"},
		{"a claim that no run works on", "update machines set state = 'claimed' where id = 'm1'", "claim", "m1 is claimed for device %s, which is active"},
		{"a port that was not parked", "update pieces set holder = null, ask = null, taken_at = null where device is not null; update machines set state = 'claimed' where state = 'occupied'; update machines set state = 'idle', device = null", "tenant port", "tor-r1:xe-0/0/1 carries device %s, which is active"},
		{"an intent of no run", "update boot_intents set job = 'erase', run = 'device/x' where machine = 'm2'", "boot intent", "machine m2 is to erase for device/x and is idle"},
		{"usage of a device that is gone", "update devices set state = 'deleted', deleted_at = now(); update usages set ended_at = null", "usage", "device %s is deleted and still charged for"},
		{"an address counted to the wrong block", "update pieces set block = null where device is not null and family(prefix) = 6", "space", "2001:db8:64::/127 counts to no block and lies in block 2001:db8:64::/56"},
		{"a reservation of nobody", "update blocks set purpose = 'reservation', project = 'acme' where prefix = '10.64.0.0/16'", "reservation", "10.64.0.0/16 is reserved by nobody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := imported(t)
			device := r.provisioned()
			leaks, err := r.store.Leaks(t.Context())
			require.NoError(t, err)
			require.Empty(t, leaks)
			r.exec(c.sql)
			leaks, err = r.store.Leaks(t.Context())
			require.NoError(t, err)
			what := c.what
			if c.kind != "space" && c.kind != "reservation" && c.kind != "boot intent" {
				what = fmt.Sprintf(what, device)
			}
			require.Contains(t, leaks, postgres.Leak{Kind: c.kind, What: what})
			for _, leak := range leaks {
				require.Contains(t, postgres.LeakKinds, leak.Kind)
			}
		})
	}
}

func TestFiftyEqualOrdersAtOnceAreOneOrder(t *testing.T) {
	t.Parallel()
	r := imported(t)
	order, err := metal.ParseOrder("o-1", []byte(`{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`))
	require.NoError(t, err)
	var all sync.WaitGroup
	var first atomic.Int32
	for range 50 {
		all.Go(func() {
			status, fresh, err := r.store.PlaceOrder(t.Context(), order)
			require.NoError(t, err)
			require.Equal(t, order.Device, status.Device)
			if fresh {
				first.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, first.Load())
}

func TestQuarantineEndsByHandOnlyForAMachineThatIsFit(t *testing.T) {
	t.Parallel()
	r := imported(t)
	device := r.provisioned()
	ends := func(machine metal.MachineID) error {
		return r.store.Vouch(t.Context(), metal.Word{Machine: machine, By: "ops", Note: "looked at it"})
	}
	require.ErrorIs(t, ends("m9"), metal.ErrUnknownMachine)
	require.ErrorContains(t, ends("m2"), "machine m2: it is idle, and cannot become idle from there")

	r.exec("update machines set state = 'claimed' where id = 'm1'")
	r.exec("update machines set state = 'quarantined', reason = 'silent' where id = 'm1'")
	require.ErrorContains(t, ends("m1"), "it keeps device "+string(device))
	r.exec("update machines set state = 'quarantined', reason = 'not erased', dirty = true where id = 'm2'")
	require.ErrorIs(t, ends("m2"), metal.ErrWrongState)
	require.ErrorContains(t, ends("m2"), "nothing has proven their erasure")
	r.exec("update machines set dirty = false where id = 'm2'")
	require.NoError(t, ends("m2"))
	machines, err := r.store.Queries().ListMachines(t.Context())
	require.NoError(t, err)
	require.Equal(t, "idle", machines[1].State)
}
