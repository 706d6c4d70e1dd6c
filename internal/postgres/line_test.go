package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
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
