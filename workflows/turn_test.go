package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
	"millwright/internal/metal"
)

// patient is an order that waits an hour for its machine, in a world whose only
// machine is kept aside.
func patient(w *world) RunInput {
	w.t.Helper()
	w.aside("quarantined")
	return w.ordered("o1", metal.OrderInput{Action: metal.ActionProvision, Wait: metal.Wait(time.Hour)})
}

func (w *world) aside(state string) {
	w.t.Helper()
	w.exec("update machines set state = $2, reason = case when $2 = 'quarantined' then 'set aside' else '' end where id = $1", string(w.m(1)), state)
}

func TestAProvisionWaitsForItsMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	in := patient(w)
	err := w.run(Provision, in, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			answer, err := env.QueryWorkflow(StatusQuery)
			require.NoError(t, err)
			var status Status
			require.NoError(t, answer.Get(&status))
			require.Equal(t, StepLine, status.Step)
			require.Equal(t, 1, status.Turn.Place)
			require.NotZero(t, status.Deadline)
			env.SignalWorkflow(TurnSignal, nil) // somebody was faster: it waits on
		}, 10*time.Minute)
		env.RegisterDelayedCallback(func() {
			w.aside("idle")
			env.SignalWorkflow(TurnSignal, nil)
			env.SignalWorkflow(TurnSignal, nil)
		}, 20*time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, append([]string{"ClaimMachine", "ClaimMachine"}, goodProvision...), w.calls)
	w.accounted()
}

func TestAProvisionThatWaitsInVainFailsInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	err := w.run(Provision, patient(w))
	require.Equal(t, activities.NoMachine, typeOf(err))
	require.Equal(t, "failed", w.device().State)
	w.accounted()
	waiting, err := w.store.InLine(t.Context(), w.site, "", "")
	require.NoError(t, err)
	require.Empty(t, waiting)
}

func TestAProvisionThatWaitsMayBeCancelledAtAnyMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	err := w.run(Provision, patient(w), func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, 10*time.Minute)
	})
	require.Error(t, err)
	w.accounted()
}
