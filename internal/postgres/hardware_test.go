package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres"
)

// keeper is a crowd whose project has a row: machines can be kept for it.
func keeper(t *testing.T, machines, devices int) *crowd {
	t.Helper()
	c := newCrowd(t, machines, devices)
	c.sql(`insert into organizations (id, name) values ('00000000-0000-4000-8000-000000000001', 'acme')`)
	for _, project := range []string{"acme", "other"} {
		c.sql(`insert into projects (id, organization, name) values ('` + project + `', '00000000-0000-4000-8000-000000000001', 'p')`)
	}
	return c
}

func (c *crowd) keep(machine metal.MachineID, project metal.ProjectID) metal.HardwareReservationID {
	c.t.Helper()
	id, err := c.store.KeepMachine(c.t.Context(), machine, project, metal.HardwareReservationID(uuid.NewString()))
	require.NoError(c.t, err)
	return id
}

// onto promises a reservation's machine to a device, as its order would.
func (c *crowd) onto(device metal.DeviceID, id metal.HardwareReservationID) {
	c.t.Helper()
	c.sql(fmt.Sprintf("update devices set hardware_reservation = '%s' where id = '%s'", id, device))
}

func (c *crowd) kept(id metal.HardwareReservationID) metal.HardwareReservation {
	c.t.Helper()
	r, err := c.store.HardwareReservation(c.t.Context(), id)
	require.NoError(c.t, err)
	return r
}

func TestAKeptMachineIsGivenToNobodyElse(t *testing.T) {
	t.Parallel()
	c := keeper(t, 2, 3)
	id := c.keep("m1", "acme")
	require.True(t, c.kept(id).Provisionable())
	h, err := c.store.ClaimMachine(t.Context(), c.devices[0], "")
	require.NoError(t, err)
	require.Equal(t, metal.MachineID("m2"), h.Claim.Machine, "not even its own project gets it without asking for it")
	_, err = c.store.ClaimMachine(t.Context(), c.devices[1], "")
	require.ErrorIs(t, err, metal.ErrNoMachine)
	require.ErrorContains(t, err, "none is idle")

	c.onto(c.devices[2], id)
	h, err = c.store.ClaimMachine(t.Context(), c.devices[2], "")
	require.NoError(t, err)
	require.Equal(t, metal.MachineID("m1"), h.Claim.Machine)
	again, err := c.store.ClaimMachine(t.Context(), c.devices[2], "")
	require.NoError(t, err)
	require.Equal(t, h.Claim.Machine, again.Claim.Machine)
	r := c.kept(id)
	require.Equal(t, c.devices[2], r.Device)
	require.False(t, r.Provisionable())
}

func TestADeviceWithAReservationGetsNoOtherMachine(t *testing.T) {
	t.Parallel()
	c := keeper(t, 3, 1)
	id := c.keep("m2", "acme")
	c.onto(c.devices[0], id)
	h, err := c.store.ClaimMachine(t.Context(), c.devices[0], "")
	require.NoError(t, err)
	c.sql("update ports set applied = generation") // parked: nothing binds the device to the machine any more
	require.NoError(t, c.store.QuarantineMachine(t.Context(), metal.Quarantine{Claim: h.Claim, Reason: "it does not answer"}))
	require.Equal(t, metal.Quarantined, c.kept(id).State)
	_, err = c.store.ClaimMachine(t.Context(), c.devices[0], "")
	require.ErrorIs(t, err, metal.ErrNoMachine)
	require.ErrorContains(t, err, "quarantined")
	require.ErrorContains(t, err, string(id))
}

func TestKeptMachinesAreNotWarmed(t *testing.T) {
	t.Parallel()
	c := keeper(t, 2, 1)
	c.sql("update plans set warm = 2")
	c.keep("m1", "acme")
	require.Equal(t, []metal.MachineID{"m2"}, c.toWarm())
}

func TestOrdersAtOnceNeverChooseTheSameReservation(t *testing.T) {
	t.Parallel()
	const kept, orders = 5, 20
	c := keeper(t, kept, orders)
	for i := range kept {
		c.keep(metal.MachineID(fmt.Sprintf("m%d", i+1)), "acme")
	}
	var mu sync.Mutex
	chosen, refused := map[metal.HardwareReservationID]int{}, 0
	var side sync.WaitGroup
	for _, device := range c.devices {
		side.Go(func() {
			id, site, err := c.store.Promise(t.Context(), device, postgres.HardwareWish{
				Project: "acme", Plan: "c1.small", Sites: []metal.SiteID{"lab1"}, Which: metal.NextAvailable,
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, metal.ErrNoMachine):
				refused++
			case err != nil || site != "lab1":
				t.Errorf("device %s: %s at %q: %v", device, id, site, err)
			default:
				chosen[id]++
			}
		})
	}
	side.Wait()
	require.Len(t, chosen, kept)
	require.Equal(t, orders-kept, refused)
	for id, n := range chosen {
		require.Equal(t, 1, n, id)
	}
}

func TestAChoiceOfHardwareSaysWhatStandsAgainstIt(t *testing.T) {
	t.Parallel()
	c := keeper(t, 2, 2)
	mine, theirs := c.keep("m1", "acme"), c.keep("m2", "other")
	wish := postgres.HardwareWish{Project: "acme", Plan: "c1.small", Sites: []metal.SiteID{"lab1"}, Which: mine}
	refused := func(is error, word string, change func(*postgres.HardwareWish)) {
		t.Helper()
		w := wish
		change(&w)
		_, _, err := c.store.Promise(t.Context(), c.devices[1], w)
		require.ErrorIs(t, err, is)
		require.ErrorContains(t, err, "hardware_reservation_id: ")
		require.ErrorContains(t, err, word)
	}
	refused(metal.ErrInvalidOrder, "has no hardware reservation", func(w *postgres.HardwareWish) { w.Which = theirs })
	refused(metal.ErrInvalidOrder, "has no hardware reservation", func(w *postgres.HardwareWish) { w.Which = "nonsense" })
	refused(metal.ErrInvalidOrder, "is a c1.small", func(w *postgres.HardwareWish) { w.Plan = "c3.large" })
	refused(metal.ErrInvalidOrder, "stands at lab1", func(w *postgres.HardwareWish) { w.Sites = nil })
	refused(metal.ErrNoMachine, "none of the project's", func(w *postgres.HardwareWish) { w.Sites, w.Which = nil, metal.NextAvailable })
	_, _, err := c.store.Promise(t.Context(), c.devices[0], wish)
	require.NoError(t, err)
	refused(metal.ErrInUse, "device "+string(c.devices[0])+" has its machine", func(*postgres.HardwareWish) {})
}

func TestAReservationThatADeviceWaitsForIsNotEnded(t *testing.T) {
	t.Parallel()
	c := keeper(t, 2, 1)
	id := c.keep("m1", "acme")
	c.onto(c.devices[0], id)
	require.ErrorIs(t, c.store.EndHardwareReservation(t.Context(), id), metal.ErrInUse)
	_, err := c.store.ClaimMachine(t.Context(), c.devices[0], "")
	require.NoError(t, err)
	require.NoError(t, c.store.EndHardwareReservation(t.Context(), id), "the device has its machine, and keeps it")
	_, err = c.store.HardwareReservation(t.Context(), id)
	require.ErrorIs(t, err, metal.ErrNotFound)
	again, err := c.store.ClaimMachine(t.Context(), c.devices[0], "")
	require.NoError(t, err)
	require.Equal(t, metal.MachineID("m1"), again.Claim.Machine)
}

func TestATenantIsNeverPutOutForAReservation(t *testing.T) {
	t.Parallel()
	c := keeper(t, 1, 1)
	_, err := c.store.ClaimMachine(t.Context(), c.devices[0], "")
	require.NoError(t, err)
	_, err = c.store.KeepMachine(t.Context(), "m1", "other", metal.HardwareReservationID(uuid.NewString()))
	require.ErrorIs(t, err, metal.ErrInUse)
	id := c.keep("m1", "acme") // whose device is on it already
	_, err = c.store.KeepMachine(t.Context(), "m1", "other", metal.HardwareReservationID(uuid.NewString()))
	require.ErrorContains(t, err, string(id))
}

func TestMachinesAreKeptAndClaimedAtOnceAndNeverBoth(t *testing.T) {
	t.Parallel()
	const machines = 20
	c := keeper(t, machines, machines)
	var side sync.WaitGroup
	for i, device := range c.devices {
		side.Go(func() { _, _ = c.claim(t.Context(), device) })
		side.Go(func() {
			_, err := c.store.KeepMachine(t.Context(), metal.MachineID(fmt.Sprintf("m%d", i+1)), "other", metal.HardwareReservationID(uuid.NewString()))
			if err != nil && !errors.Is(err, metal.ErrInUse) {
				t.Errorf("keep m%d: %v", i+1, err)
			}
		})
	}
	side.Wait()
	kept, err := c.store.HardwareReservations(t.Context(), "other")
	require.NoError(t, err)
	for _, r := range kept {
		require.Empty(t, r.Device, "%s is kept for one project and has another's device", r.Machine)
	}
}
