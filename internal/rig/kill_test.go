package rig_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/internal/stack"
)

// Each program is killed with -9 three times, at moments spread over twenty
// runs that are under way, and started again a little later.
func TestKillMinusNineOfAnyProgramLosesNoRun(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 24, Limits: metal.Limits{Boot: 20 * time.Second, Install: 20 * time.Second, PhoneHome: 20 * time.Second}})
	for _, victim := range []struct {
		name string
		part *stack.Part
	}{{"worker", r.Workers[0]}, {"boot", r.Boot}, {"starter", r.Starter}} {
		t.Run(victim.name, func(t *testing.T) {
			orders := map[metal.OrderID]metal.OrderInput{}
			for id, in := range provisions(20) {
				orders[metal.OrderID(victim.name)+"-"+id] = in
			}
			for id, in := range orders {
				require.NoError(t, r.Order(t.Context(), id, in))
			}
			kill(t, r, victim.part)
			provisioned := await(t, r, orders)
			allDone(t, provisioned)
			out := gone(provisioned)
			for id, in := range out {
				require.NoError(t, r.Order(t.Context(), id, in))
			}
			kill(t, r, victim.part)
			allDone(t, await(t, r, out))
			clean(t, r)
		})
	}
}

// kill kills a part three times as runs get on.
func kill(t *testing.T, r *rig.Rig, part *stack.Part) {
	t.Helper()
	for range 3 {
		progress(t, r, 12)
		part.Kill()
		require.NoError(t, part.Start(t.Context()))
	}
}

// progress waits until some more events have happened, or nothing is under way.
func progress(t *testing.T, r *rig.Rig, events int64) {
	t.Helper()
	first, err := r.Store.Queries().CountEvents(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		n, err := r.Store.Queries().CountEvents(t.Context())
		open, err2 := r.Store.OpenOrders(t.Context(), 0, 1)
		unsettled, err3 := r.Store.Unsettled(t.Context(), 0, 1)
		return err == nil && err2 == nil && err3 == nil && (n >= first+events || len(open)+len(unsettled) == 0)
	}, time.Minute, 5*time.Millisecond)
}

func TestTemporalAndPostgresMayDieMidway(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Machines: 12, Limits: patient})
	orders := provisions(10)
	for id, in := range orders {
		require.NoError(t, r.Order(t.Context(), id, in))
	}
	for _, part := range []*stack.Part{r.Stack.Temporal, r.Stack.Postgres} {
		progress(t, r, 15)
		part.Kill()
		require.NoError(t, part.Start(t.Context()))
	}
	provisioned := await(t, r, orders)
	allDone(t, provisioned)
	allDone(t, all(t, r, gone(provisioned)))
	clean(t, r)
}

// The API answers while Temporal is away; reconcile starts what was ordered.
func TestAnOrderGivenWhileTemporalIsAwayIsNotLost(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Limits: patient})
	r.Stack.Temporal.Kill()
	answer := post(t, r, "away", `{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`)
	require.Equal(t, http.StatusAccepted, answer)
	require.NoError(t, r.Stack.Temporal.Start(t.Context()))
	status, err := r.Await(t.Context(), "away")
	require.NoError(t, err)
	require.Equal(t, "done", status.State, status.Outcome)
	require.Equal(t, http.StatusOK, post(t, r, "away", `{"action":"provision","project":"acme","site":"lab1","plan":"c1.small","operating_system":"debian_12"}`))
	done(t, r, "gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: status.Device})
	clean(t, r)
}
