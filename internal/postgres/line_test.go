package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/postgres/query"
)

// patient orders a device of a project that waits for its machine.
func (c *crowd) patient(project string, n int) (metal.DeviceID, metal.OrderID) {
	c.t.Helper()
	id := metal.OrderID(fmt.Sprintf("%s-%d", project, n))
	order, err := metal.ParseOrder(id, fmt.Appendf(nil,
		`{"action":"provision","project":%q,"site":"lab1","plan":"c1.small","operating_system":"debian_12","wait":"2h"}`, project))
	require.NoError(c.t, err)
	_, err = c.store.RecordOrder(c.t.Context(), order)
	require.NoError(c.t, err)
	return order.Device, id
}

// turn asks for a machine and gets a place in the line.
func (c *crowd) turn(device metal.DeviceID, order metal.OrderID) metal.Turn {
	c.t.Helper()
	held, err := c.store.ClaimInTurn(c.t.Context(), device, order)
	require.NoError(c.t, err)
	require.NotNil(c.t, held.Turn, "it was given machine %s", held.Claim.Machine)
	require.Empty(c.t, held.Claim.Machine)
	return *held.Turn
}

// free makes room: a device leaves.
func (c *crowd) free(claim metal.Claim) {
	c.t.Helper()
	dirty, err := c.store.ReleaseMachine(c.t.Context(), claim, 0, metal.Ending{State: metal.Failed})
	require.NoError(c.t, err)
	require.False(c.t, dirty)
}

// One project has six devices in the line before another one asks for one. The
// machines that come free go to both in turn.
func TestAProjectWithOneOrderIsNotBehindAllOfAnothersHundred(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4, 4)
	var held []metal.Claim
	for _, d := range c.devices {
		h, err := c.claim(t.Context(), d)
		require.NoError(t, err)
		held = append(held, h.Claim)
	}
	var many []metal.DeviceID
	for i := range 6 {
		d, order := c.patient("many", i)
		require.Equal(t, i+1, c.turn(d, order).Place)
		require.Equal(t, i+1, c.turn(d, order).Place, "asked twice is one place")
		many = append(many, d)
	}
	one, order := c.patient("one", 0)
	turn := c.turn(one, order)
	require.Equal(t, 2, turn.Place)
	require.Equal(t, 7, turn.Waiting)
	require.Zero(t, turn.Expected, "nobody left today, so nobody can say")

	none, err := c.store.CallWaiting(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, none, "no machine is idle")
	c.free(held[0])
	called, err := c.store.CallWaiting(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	require.Equal(t, []metal.DeviceID{many[0]}, called)
	called, err = c.store.CallWaiting(t.Context(), time.Minute, 10)
	require.NoError(t, err)
	require.Empty(t, called, "it was called a moment ago")

	require.Equal(t, 2, c.turn(one, order).Place, "the machine is for the one that was called")
	h, err := c.store.ClaimInTurn(t.Context(), many[0], "many-0")
	require.NoError(t, err)
	require.NotEmpty(t, h.Claim.Machine)
	require.Equal(t, 1, c.turn(one, order).Place)
	c.free(held[1])
	h, err = c.store.ClaimInTurn(t.Context(), one, order)
	require.NoError(t, err)
	require.NotEmpty(t, h.Claim.Machine)
	waiting, err := c.store.InLine(t.Context(), "", "", "many")
	require.NoError(t, err)
	require.Len(t, waiting, 5)
	require.Equal(t, many[1], waiting[0].Device)
	require.Equal(t, 1, waiting[0].Place)
}

func TestNobodyPassesTheLineAndWhoEndsLeavesIt(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2, 3)
	var held []metal.Claim
	for _, d := range c.devices[:2] {
		h, err := c.claim(t.Context(), d)
		require.NoError(t, err)
		held = append(held, h.Claim)
	}
	d, order := c.patient("acme", 7)
	c.turn(d, order)
	status, err := c.store.Order(t.Context(), order)
	require.NoError(t, err)
	require.Equal(t, "wanted", status.State, "if its run is lost, it is given again")
	lost, err := c.store.OpenOrders(t.Context(), 0, 10)
	require.NoError(t, err)
	for _, o := range lost {
		require.NotEqual(t, order, o.Order, "its run was seen a moment ago")
	}

	c.free(held[0])
	_, err = c.store.ClaimMachine(t.Context(), c.devices[2], "")
	require.ErrorIs(t, err, metal.ErrNoMachine, "the idle one is for who waits")
	require.ErrorContains(t, err, "1 devices wait")

	require.NoError(t, c.store.AbandonOrder(t.Context(), order, "changed its mind"))
	waiting, err := c.store.InLine(t.Context(), "", "", "")
	require.NoError(t, err)
	require.Empty(t, waiting)
	_, err = c.store.ClaimMachine(t.Context(), c.devices[2], "")
	require.NoError(t, err)
}

// told lists what the tenant of a device was told of the line.
func (c *crowd) told(device metal.DeviceID) (all []string) {
	c.t.Helper()
	events, err := c.store.Queries().EventsOfDevice(c.t.Context(), query.EventsOfDeviceParams{Device: string(device)})
	require.NoError(c.t, err)
	for _, e := range events {
		if typ, words := metal.TellTenants(e.Kind, e.Body); typ == "instance.waiting" || typ == "instance.turn" {
			all = append(all, words)
		}
	}
	return all
}

func TestATenantIsToldOnceThatADeviceWaitsAndOnceThatItsTurnHasCome(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	held, err := c.claim(t.Context(), c.devices[0])
	require.NoError(t, err)
	require.Empty(t, c.told(c.devices[0]), "it did not wait")
	d, order := c.patient("acme", 0)
	none, err := c.store.Turn(t.Context(), d)
	require.NoError(t, err)
	require.Nil(t, none)
	c.turn(d, order)
	turn := c.turn(d, order)
	require.Equal(t, []string{turn.Words()}, c.told(d))
	require.Contains(t, turn.Words(), "place 1 of 1, nobody can say when; the order fails at 20")
	now, err := c.store.Turn(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, turn, *now)
	lines, err := c.store.Lines(t.Context())
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Positive(t, lines[0].Longest)
	lines[0].Longest = 0
	require.Equal(t, []metal.LineCount{{Site: "lab1", Plan: "c1.small", Waiting: 1}}, lines)

	c.free(held.Claim)
	_, err = c.store.ClaimInTurn(t.Context(), d, order)
	require.NoError(t, err)
	require.Len(t, c.told(d), 2)
	require.Contains(t, c.told(d)[1], "Its turn has come")
	_, err = c.store.ClaimInTurn(t.Context(), d, order)
	require.NoError(t, err)
	require.Len(t, c.told(d), 2, "a repeat tells nothing")
	lines, err = c.store.Lines(t.Context())
	require.NoError(t, err)
	require.Equal(t, []metal.LineCount{{Site: "lab1", Plan: "c1.small"}}, lines)
}

// An idle machine waits for who was called, so a run that is lost must not take
// minutes to be missed.
func TestAnOrderWhoseRunDidNotHearItsCallIsLostAtOnce(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 1)
	held, err := c.claim(t.Context(), c.devices[0])
	require.NoError(t, err)
	d, order := c.patient("acme", 0)
	c.turn(d, order)
	lost := func() bool {
		orders, err := c.store.OpenOrders(t.Context(), 0, 10)
		require.NoError(t, err)
		for _, o := range orders {
			if o.Order == order {
				return true
			}
		}
		return false
	}
	require.NoError(t, c.store.LostWaiting(t.Context(), d))
	require.False(t, lost(), "nobody called it yet")
	c.free(held.Claim)
	called, err := c.store.CallWaiting(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Equal(t, []metal.DeviceID{d}, called)
	require.NoError(t, c.store.LostWaiting(t.Context(), d))
	require.True(t, lost())
	require.NoError(t, c.store.SeenWaiting(t.Context(), d))
	require.NoError(t, c.store.LostWaiting(t.Context(), d))
	require.False(t, lost(), "its run was seen since")
}

func TestABatchWhoseFleetIsUnderWayIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 0)
	f, err := metal.ParseFleet("f", []byte(`{"quantity":1,"sites":["lab1"],"device":{"project":"acme","plan":"c1.small","operating_system":"debian_12"}}`))
	require.NoError(t, err)
	_, err = c.store.BeginFleet(t.Context(), f)
	require.NoError(t, err)
	_, err = c.store.DropBatch(t.Context(), metal.Request{}, f.Batch, nil)
	require.ErrorIs(t, err, metal.ErrWrongState)
	require.NoError(t, c.store.EndFleet(t.Context(), f.ID, "failed", "for a test"))
	_, err = c.store.DropBatch(t.Context(), metal.Request{}, f.Batch, nil)
	require.NoError(t, err)
	_, err = c.store.Fleet(t.Context(), f.ID)
	require.ErrorIs(t, err, metal.ErrUnknownFleet)
}

func TestAFleetThatNoDeviceCouldBeIsRefusedBeforeAnythingIsOrdered(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 0)
	require.NoError(t, c.store.SetQuota(t.Context(), "acme", "devices", 4))
	for words, input := range map[string]string{
		`no site is called "lab9"`: `{"quantity":2,"sites":["lab1","lab9"],"device":{"project":"acme","plan":"c1.small","operating_system":"debian_12"}}`,
		`no plan is called "c9"`:   `{"quantity":2,"sites":["lab1"],"device":{"project":"acme","plan":"c9","operating_system":"debian_12"}}`,
		"asks for 5 more":          `{"quantity":5,"sites":["lab1"],"device":{"project":"acme","plan":"c1.small","operating_system":"debian_12"}}`,
	} {
		f, err := metal.ParseFleet("f", []byte(input))
		require.NoError(t, err)
		_, err = c.store.BeginFleet(t.Context(), f)
		require.ErrorContains(t, err, words)
		_, err = c.store.Fleet(t.Context(), f.ID)
		require.ErrorIs(t, err, metal.ErrUnknownFleet)
	}
}
