package postgres_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// watchOf is the console of a claimed machine, as keepers see it.
func (n *network) watchOf(claim metal.Claim) metal.ConsoleWatch {
	n.t.Helper()
	watches, err := n.store.ConsolesWanted(n.t.Context(), "one", nil)
	require.NoError(n.t, err)
	for _, w := range watches {
		if w.BMC.Machine == claim.Machine {
			return w
		}
	}
	n.t.Fatalf("the console of %s is not wanted", claim.Machine)
	return metal.ConsoleWatch{}
}

func (n *network) take(machine metal.MachineID, keeper string, lease time.Duration, attached bool) metal.ConsoleLease {
	n.t.Helper()
	got, err := n.store.TakeConsole(n.t.Context(), metal.ConsoleWish{Machine: machine, Keeper: keeper, Lease: lease, Attached: attached})
	require.NoError(n.t, err)
	return got
}

var (
	heldAndFree = metal.ConsoleLease{Held: true, Free: true}
	heldNotFree = metal.ConsoleLease{Held: true}
	notHeld     = metal.ConsoleLease{}
)

func TestConsolesAreWantedWhileARunIsAtWork(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	none, err := n.store.ConsolesWanted(t.Context(), "one", nil)
	require.NoError(t, err)
	require.Empty(t, none)

	claim := n.claim("acme", "one", "plain")
	w := n.watchOf(claim)
	require.True(t, w.Recorded)
	require.Equal(t, claim.Device, w.Device)
	require.Equal(t, claim.Epoch, w.Epoch)

	require.NoError(t, n.store.ActivateDevice(t.Context(), claim, metal.Ending{State: metal.Active}))
	none, err = n.store.ConsolesWanted(t.Context(), "one", nil)
	require.NoError(t, err)
	require.Empty(t, none)
	sat, err := n.store.ConsolesWanted(t.Context(), "one", []metal.MachineID{claim.Machine})
	require.NoError(t, err)
	require.Len(t, sat, 1)
	require.False(t, sat[0].Recorded, "a tenant sits there, and no run is at work")
}

func TestAConsoleHasOneKeeper(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := n.claim("acme", "one", "plain").Machine
	require.Equal(t, heldAndFree, n.take(m, "a", time.Minute, false))
	require.Equal(t, heldAndFree, n.take(m, "a", time.Minute, false), "a repeat renews")
	require.Equal(t, notHeld, n.take(m, "b", time.Minute, false))
	require.NoError(t, n.store.LeaveConsole(t.Context(), m, "b"), "who has none leaves none")
	require.Equal(t, notHeld, n.take(m, "b", time.Minute, false))
	require.NoError(t, n.store.LeaveConsole(t.Context(), m, "a"))
	require.Equal(t, heldAndFree, n.take(m, "b", time.Minute, false))
}

func TestOfManyKeepersOneGetsAConsole(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := n.claim("acme", "one", "plain").Machine
	var all sync.WaitGroup
	got := make(chan metal.ConsoleLease, 20)
	for i := range 20 {
		all.Go(func() {
			lease, err := n.store.TakeConsole(context.Background(), metal.ConsoleWish{Machine: m, Keeper: string(rune('a' + i)), Lease: time.Minute, Attached: i%2 == 0})
			if err == nil && lease.Held && lease.Free {
				got <- lease
			}
		})
	}
	all.Wait()
	require.Len(t, got, 1, "whoever takes it from the first has to wait until that one left")
}

func TestADeadKeepersConsoleIsFreeWhenItsLeaseEnds(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := n.claim("acme", "one", "plain").Machine
	require.Equal(t, heldAndFree, n.take(m, "dead", 100*time.Millisecond, true))
	require.Eventually(t, func() bool { return n.take(m, "b", time.Minute, false) == heldAndFree }, 20*time.Second, 10*time.Millisecond)
}

func TestWhoSitsAtAConsoleGetsItFromAKeeperThatOnlyRecords(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := n.claim("acme", "one", "plain").Machine
	require.Equal(t, heldAndFree, n.take(m, "recorder", time.Minute, false))
	require.Equal(t, heldNotFree, n.take(m, "tenant", time.Minute, true))
	require.Equal(t, heldNotFree, n.take(m, "tenant", time.Minute, true), "the other one has not closed it yet")
	require.Equal(t, notHeld, n.take(m, "recorder", time.Minute, false))
	require.Equal(t, notHeld, n.take(m, "elsewhere", time.Minute, true), "somebody sits there")
	require.NoError(t, n.store.LeaveConsole(t.Context(), m, "recorder"))
	require.Equal(t, heldAndFree, n.take(m, "tenant", time.Minute, true))
}

func TestKeepersHearWhenAConsoleOfTheirsIsWanted(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	heard := make(chan struct{}, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.store.ListenConsoles(ctx, "one", func() { heard <- struct{}{} }) }()
	hears := func(why string) {
		t.Helper()
		select {
		case <-heard:
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is heard: " + why)
		}
	}
	hears("it has begun")
	m := n.claim("acme", "one", "plain").Machine
	hears("a machine was claimed")
	require.Equal(t, heldAndFree, n.take(m, "a", time.Minute, false))
	for len(heard) > 0 {
		<-heard
	}
	n.take(m, "b", time.Minute, true)
	hears("another keeper wants it")
	stop()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// kept is what is left of a console: each chunk's place, and the bytes.
func (n *network) kept(id int64) (begins []int64, size int) {
	n.t.Helper()
	rows, err := n.store.Queries().ConsoleChunks(n.t.Context(), query.ConsoleChunksParams{Console: id, Most: 1e6})
	require.NoError(n.t, err)
	for _, r := range rows {
		require.Equal(n.t, byte(r.Begins>>12), r.Body[0], "chunk at %d", r.Begins)
		begins, size = append(begins, r.Begins), size+len(r.Body)
	}
	return begins, size
}

func TestAConsoleKeepsItsBeginningAndItsEnd(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	w := n.watchOf(n.claim("acme", "one", "plain"))
	id, err := n.store.OpenConsole(t.Context(), w)
	require.NoError(t, err)
	n.take(w.BMC.Machine, "a", time.Minute, false)
	const total, part = 3 << 20, 40 << 10
	for at := 0; at < total; at += part {
		body := make([]byte, min(part, total-at))
		for i := range body {
			body[i] = byte((at + i) >> 12)
		}
		kept, err := n.store.WriteConsole(t.Context(), id, "a", body)
		require.NoError(t, err)
		require.True(t, kept)
	}
	begins, size := n.kept(id)
	require.Zero(t, begins[0])
	require.GreaterOrEqual(t, size, 1<<20)
	require.LessOrEqual(t, size, 1<<20+2*(16<<10), "a chunk at either edge is kept whole")
	again, err := n.store.OpenConsole(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, id, again, "another keeper goes on with it")
}

func TestRubbishOnAConsoleIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	w := n.watchOf(n.claim("acme", "one", "plain"))
	id, err := n.store.OpenConsole(t.Context(), w)
	require.NoError(t, err)
	n.take(w.BMC.Machine, "a", time.Minute, false)
	rubbish := []byte("\x00\xff\xfe\x1b[31m\x80\r\n")
	_, err = n.store.WriteConsole(t.Context(), id, "a", rubbish)
	require.NoError(t, err)
	rows, err := n.store.Queries().ConsoleChunks(t.Context(), query.ConsoleChunksParams{Console: id, Most: 10})
	require.NoError(t, err)
	require.True(t, bytes.Equal(rubbish, rows[0].Body))
}

func TestAKeeperThatLostItsConsoleWritesNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	w := n.watchOf(n.claim("acme", "one", "plain"))
	id, err := n.store.OpenConsole(t.Context(), w)
	require.NoError(t, err)
	n.take(w.BMC.Machine, "ghost", time.Minute, false)
	n.take(w.BMC.Machine, "heir", time.Minute, true)
	kept, err := n.store.WriteConsole(t.Context(), id, "ghost", []byte("twice"))
	require.NoError(t, err)
	require.False(t, kept)
	begins, _ := n.kept(id)
	require.Empty(t, begins)
}

func TestConsolesAreForgottenAfterAMonth(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	w := n.watchOf(n.claim("acme", "one", "plain"))
	n.take(w.BMC.Machine, "a", time.Minute, false)
	old, err := n.store.OpenConsole(t.Context(), w)
	require.NoError(t, err)
	_, err = n.store.WriteConsole(t.Context(), old, "a", []byte{0})
	require.NoError(t, err)
	n.exec("update consoles set last_at = now() - interval '31 days'")
	w.Boot++
	_, err = n.store.OpenConsole(t.Context(), w)
	require.NoError(t, err)
	gone, err := n.store.Forget(t.Context(), metal.Keep{})
	require.NoError(t, err)
	require.EqualValues(t, 1, gone["consoles"])
	begins, _ := n.kept(old)
	require.Empty(t, begins)
}

func TestASeatIsOfADeviceThatHasAMachine(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.claim("acme", "one", "plain")
	seat, err := n.store.ConsoleSeat(t.Context(), claim.Device)
	require.NoError(t, err)
	require.Equal(t, claim.Machine, seat.Machine)
	require.Equal(t, metal.SiteID("one"), seat.Site)
	require.Equal(t, metal.Provisioning, seat.State)
	for job, agent := range map[string]bool{"none": false, "leave": false, "ipxe": false, "install": true, "erase": true, "rescue": true, "idle": true} {
		n.exec("update boot_intents set job = $2, run = 'device/x' where machine = $1", claim.Machine, job)
		seat, err = n.store.ConsoleSeat(t.Context(), claim.Device)
		require.NoError(t, err)
		require.Equal(t, agent, seat.Agent, job)
	}
	_, err = n.store.ConsoleSeat(t.Context(), "99999999-9999-9999-9999-999999999999")
	require.ErrorIs(t, err, metal.ErrUnknownDevice)
	_, err = n.store.ConsoleSeat(t.Context(), "no device at all")
	require.ErrorIs(t, err, metal.ErrUnknownDevice)
}
