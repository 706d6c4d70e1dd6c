package postgres_test

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// with is who has a piece, and on whose ports it is routed: they must agree.
func (n *network) with(reservation string, p netip.Prefix, among ...metal.Claim) metal.DeviceID {
	n.t.Helper()
	device, err := n.store.AssignedDevice(n.t.Context(), reservation, p)
	require.NoError(n.t, err)
	for _, claim := range among {
		routed := n.of(claim)[0].Routed
		require.Equal(n.t, claim.Device == device, slices.Contains(routed, p), "device %s has %s, and %s routes %v", device, p, claim.Device, routed)
	}
	return device
}

func TestAPieceIsAssignedMovedAndTakenAway(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	a, b := n.opened("acme", "one", "plain"), n.opened("acme", "one", "plain")
	n.applied()
	id, all := n.reserve("acme", "one", 4, 29)
	one := piece(all, 2)
	require.Empty(t, n.with(id, one, a, b))

	ports, err := n.store.AssignPiece(t.Context(), id, one, a.Device)
	require.NoError(t, err)
	require.Equal(t, []metal.PortGeneration{{Port: n.of(a)[0].Port, Generation: 3}}, ports)
	again, err := n.store.AssignPiece(t.Context(), id, one, a.Device)
	require.NoError(t, err)
	require.Equal(t, ports, again, "a repeat waits for the same commit")
	require.Equal(t, a.Device, n.with(id, one, a, b))

	ports, err = n.store.AssignPiece(t.Context(), id, one, b.Device)
	require.NoError(t, err)
	require.Len(t, ports, 2, "the one that gets it, and the one that may not send from it any more")
	require.Equal(t, b.Device, n.with(id, one, a, b))
	require.Equal(t, []string{"xe-0/0/1", "xe-0/0/2"}, n.pending("one-a"))

	ports, err = n.store.UnassignPiece(t.Context(), id, one)
	require.NoError(t, err)
	require.Equal(t, []metal.PortGeneration{{Port: n.of(b)[0].Port, Generation: 4}}, ports)
	require.Empty(t, n.with(id, one, a, b))
	ports, err = n.store.UnassignPiece(t.Context(), id, one)
	require.NoError(t, err)
	require.Empty(t, ports)

	ports, err = n.store.AssignPiece(t.Context(), id, all, a.Device)
	require.NoError(t, err, "free pieces are merged again")
	require.Len(t, ports, 1)
	require.Equal(t, a.Device, n.with(id, all, a, b))
	n.noLeaks()
}

func (n *network) noLeaks() {
	n.t.Helper()
	leaks, err := n.store.Leaks(n.t.Context())
	require.NoError(n.t, err)
	require.Empty(n.t, leaks)
}

func TestAnAddressThatAParkedDeviceGetsIsRoutedWhenItsPortOpens(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.claim("acme", "one", "plain")
	id, all := n.reserve("acme", "one", 4, 32)
	ports, err := n.store.AssignPiece(t.Context(), id, all, claim.Device)
	require.NoError(t, err)
	require.Empty(t, ports, "nothing to be brought now")
	require.Empty(t, n.of(claim)[0].Routed)
	n.set(claim, metal.Tenant)
	require.Equal(t, []netip.Prefix{all}, n.of(claim)[0].Routed)
}

func TestAnAssignmentThatCannotBeIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	mine := n.opened("acme", "one", "plain")
	failed, rival, away := n.claim("acme", "one", "plain"), n.opened("rival", "one", "bundle"), n.opened("acme", "two", "plain")
	_, err := n.store.ReleaseMachine(t.Context(), failed, 0, metal.Ending{State: metal.Failed})
	require.NoError(t, err)
	id, all := n.reserve("acme", "one", 4, 29)
	lower := netip.PrefixFrom(all.Addr(), 30)
	_, err = n.store.AssignPiece(t.Context(), id, lower, mine.Device)
	require.NoError(t, err)
	n.applied()
	outside := netip.PrefixFrom(piece(all, 8).Addr(), 32)
	for name, c := range map[string]struct {
		reservation string
		prefix      netip.Prefix
		device      metal.DeviceID
		kind        error
		says        string
	}{
		"a device of another project":          {id, piece(all, 6), rival.Device, metal.ErrNotAllowed, "it is not of project acme"},
		"a device of another site":             {id, piece(all, 6), away.Device, metal.ErrNotAllowed, "it is at two and the reservation is of one"},
		"a device that failed":                 {id, piece(all, 6), failed.Device, metal.ErrWrongState, "it is failed"},
		"a device that nobody knows":           {id, piece(all, 6), "11111111-1111-4111-8111-111111111111", metal.ErrUnknownDevice, "no such device"},
		"part of what is assigned":             {id, piece(all, 1), mine.Device, metal.ErrInUse, "is part of " + lower.String()},
		"a whole with a part that is assigned": {id, all, mine.Device, metal.ErrInUse, "unassign that first"},
		"a prefix outside the reservation":     {id, outside, mine.Device, metal.ErrInvalidPrefix, "is no part of reservation"},
		"a prefix larger than the reservation": {id, netip.PrefixFrom(all.Addr(), 28).Masked(), mine.Device, metal.ErrInvalidPrefix, "is no part of reservation"},
		"host bits":                            {id, netip.PrefixFrom(piece(all, 5).Addr(), 30), mine.Device, metal.ErrInvalidPrefix, "is no part of reservation"},
		"no prefix":                            {id, netip.Prefix{}, mine.Device, metal.ErrInvalidPrefix, "is no part of reservation"},
		"a reservation that nobody has made":   {"00000000-0000-4000-8000-999999999999", all, mine.Device, metal.ErrInvalidPrefix, "there is none"},
	} {
		_, err := n.store.AssignPiece(t.Context(), c.reservation, c.prefix, c.device)
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.says, name)
	}
	require.Empty(t, n.pending("one-a"))
	require.Equal(t, mine.Device, n.with(id, lower, mine))
	n.noLeaks()
}

// A run that was refused gives the address back to whom it had: nothing has
// changed, whatever became of that device.
func TestARepeatFindsItSoWhateverBecameOfTheDevice(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.opened("acme", "one", "plain")
	id, all := n.reserve("acme", "one", 4, 32)
	want, err := n.store.AssignPiece(t.Context(), id, all, claim.Device)
	require.NoError(t, err)
	require.NoError(t, n.store.SettleDevice(t.Context(), claim, metal.Ending{State: metal.Failed}))
	got, err := n.store.AssignPiece(t.Context(), id, all, claim.Device)
	require.NoError(t, err)
	require.Equal(t, want, got)
	other := n.opened("acme", "one", "plain")
	_, err = n.store.AssignPiece(t.Context(), id, all, other.Device)
	require.NoError(t, err, "from a device that failed it can be moved away")
	_, err = n.store.AssignPiece(t.Context(), id, all, claim.Device)
	require.ErrorIs(t, err, metal.ErrWrongState)
}

// Moves, takings and port changes at once end with one holder, who alone routes
// it. Deadlocks would show as errors.
func TestMovesOfOneAddressAtOnceLeaveOneHolder(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claims := []metal.Claim{n.opened("acme", "one", "plain"), n.opened("acme", "one", "plain"), n.opened("acme", "one", "bundle")}
	id, all := n.reserve("acme", "one", 4, 30)
	whole, part := netip.PrefixFrom(all.Addr(), 31), piece(all, 3)
	var side sync.WaitGroup
	for i, claim := range claims {
		side.Go(func() {
			for range 30 {
				for _, p := range []netip.Prefix{whole, part} {
					n.insist(func() error { _, err := n.store.AssignPiece(t.Context(), id, p, claim.Device); return err })
				}
				if i == 0 {
					n.insist(func() error { _, err := n.store.UnassignPiece(t.Context(), id, part); return err })
				}
				n.insist(func() error { _, err := n.store.SetPorts(t.Context(), claim, metal.Parked); return err })
				n.insist(func() error { _, err := n.store.SetPorts(t.Context(), claim, metal.Tenant); return err })
			}
		})
	}
	side.Wait()
	n.with(id, whole, claims...)
	n.with(id, part, claims...)
	n.noLeaks()
}

// insist tries again what another move was in the way of, as Temporal would.
func (n *network) insist(f func() error) {
	err := f()
	for try := 0; err != nil && try < 100; try++ {
		if !strings.Contains(err.Error(), "try again") {
			n.t.Error(err)
			return
		}
		err = f()
	}
	if err != nil {
		n.t.Error(err)
	}
}

// A port opens while its address is taken away: it is open without the address
// or it is asked to let go of it. Whatever was pending by then, nothing stays
// routed to who does not have it.
func TestAnAddressTakenWhileItsPortOpensIsNotLeftOnThePort(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	claim := n.claim("acme", "one", "plain")
	id, all := n.reserve("acme", "one", 4, 32)
	for range 60 {
		_, err := n.store.AssignPiece(t.Context(), id, all, claim.Device)
		require.NoError(t, err)
		n.applied()
		var side sync.WaitGroup
		routed := make(chan metal.Change, 1)
		side.Go(func() {
			n.set(claim, metal.Tenant)
			change, err := n.store.PendingPorts(t.Context(), "one-a") // what a committer that had the lock would commit
			if err != nil {
				t.Error(err)
			}
			routed <- change
		})
		side.Go(func() {
			if _, err := n.store.UnassignPiece(t.Context(), id, all); err != nil {
				t.Error(err)
			}
		})
		side.Wait()
		change := <-routed
		require.NoError(t, n.store.PortsCommitted(t.Context(), "one-a", change, metal.Committed{}))
		if len(change.Ports[0].Routed) > 0 {
			require.NotEmpty(t, n.pending("one-a"), "the port routes an address that it does not have, and nobody is to change that")
		}
		n.set(claim, metal.Parked)
	}
}

func TestADeviceThatGoesFreesItsPiecesAtOnceAndTheyNeverRest(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	a := n.opened("acme", "one", "plain")
	id, all := n.reserve("acme", "one", 4, 29)
	sixth, six := n.reserve("acme", "one", 6, 64)
	for _, p := range []netip.Prefix{piece(all, 0), piece(all, 5)} {
		_, err := n.store.AssignPiece(t.Context(), id, p, a.Device)
		require.NoError(t, err)
	}
	_, err := n.store.AssignPiece(t.Context(), sixth, six, a.Device)
	require.NoError(t, err)
	n.set(a, metal.Parked)
	n.applied()
	_, err = n.store.ReleaseMachine(t.Context(), a, 0, metal.Ending{State: metal.Deleted})
	require.NoError(t, err)
	for _, p := range []netip.Prefix{all, six} {
		within, err := n.store.Queries().PiecesWithin(t.Context(), p)
		require.NoError(t, err)
		require.Len(t, within, 1, "free, and merged: %v", within)
		at, err := n.store.Queries().PieceAt(t.Context(), p.Addr())
		require.NoError(t, err)
		require.Nil(t, at.Released, "its project's to assign again at once")
	}
	b := n.opened("acme", "one", "plain")
	_, err = n.store.AssignPiece(t.Context(), id, all, b.Device)
	require.NoError(t, err)
	links, err := n.store.Queries().LeasesOfDevice(t.Context(), string(b.Device))
	require.NoError(t, err)
	require.Len(t, links, 4)
	n.noLeaks()
}

// Devices that go while their addresses are moved wait for nobody crosswise.
func TestReleasesAndMovesAtOnceDoNotWaitCrosswise(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	id, all := n.reserve("acme", "one", 4, 32)
	for range 25 {
		a, b := n.claim("acme", "one", "plain"), n.claim("acme", "one", "plain")
		_, err := n.store.AssignPiece(t.Context(), id, all, a.Device)
		require.NoError(t, err)
		var side sync.WaitGroup
		side.Go(func() {
			if _, err := n.store.ReleaseMachine(t.Context(), a, 0, metal.Ending{State: metal.Failed}); err != nil {
				t.Error(err)
			}
		})
		side.Go(func() {
			n.insist(func() error { _, err := n.store.AssignPiece(t.Context(), id, all, b.Device); return err })
		})
		side.Wait()
		require.Equal(t, b.Device, n.with(id, all))
		_, err = n.store.ReleaseMachine(t.Context(), b, 0, metal.Ending{State: metal.Failed})
		require.NoError(t, err)
	}
	n.noLeaks()
}
