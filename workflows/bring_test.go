package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/activities"
)

func (e *elastic) bringDevice(i int, with ...func(*testsuite.TestWorkflowEnvironment)) error {
	e.t.Helper()
	return e.runAs(PortsRun(e.devices[i]), BringDevice, BringInput{Device: e.devices[i]}, with...).GetWorkflowError()
}

func TestWhatTheDatabaseSaysOfADeviceIsBrought(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	_, err := e.store.AssignPiece(t.Context(), e.reservation, e.one, e.devices[0])
	require.NoError(t, err)
	require.NoError(t, e.bringDevice(0))
	require.Equal(t, []string{"ReadPorts", "BringPorts"}, e.calls)
	e.agreed()
	_, err = e.store.UnassignPiece(t.Context(), e.reservation, e.one)
	require.NoError(t, err)
	require.NoError(t, e.bringDevice(0))
	e.agreed()
}

// Somebody writes more while the run is at it, and tells it: it looks again.
func TestARunThatIsToldOfMoreLooksAgain(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	err := e.bringDevice(0, func(env *testsuite.TestWorkflowEnvironment) {
		e.spoil = func(n int, name string) harm {
			if n == 2 {
				_, err := e.store.AssignPiece(t.Context(), e.reservation, e.one, e.devices[0])
				require.NoError(t, err)
				env.SignalWorkflow(AgainSignal, nil)
			}
			return none
		}
	})
	require.NoError(t, err)
	require.Equal(t, []string{"ReadPorts", "BringPorts", "ReadPorts", "BringPorts"}, e.calls)
	e.spoil = nil
	e.agreed()
}

func TestAPortThatItsSwitchRefusesEndsTheRunAndTakesNothingBack(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	_, err := e.store.AssignPiece(t.Context(), e.reservation, e.one, e.devices[0])
	require.NoError(t, err)
	port := e.firstPort(e.devices[0])
	e.air[port.Switch].refuses = map[string]string{port.Name: "no room for another route"}
	require.Equal(t, activities.ConfigRefused, typeOf(e.bringDevice(0)))
	require.Equal(t, e.devices[0], e.holder())
	behind, err := e.store.SwitchesBehind(t.Context(), 0, 100)
	require.NoError(t, err)
	for _, s := range behind {
		require.NotEqual(t, port.Switch, s.ID, "what was refused is brought by nobody")
	}
}

// Temporal was away when an address was assigned, and nobody touches the switch
// since: reconcile finds it, and its check brings it.
func TestPortsThatNobodyWaitsForAreFoundAndBrought(t *testing.T) {
	t.Parallel()
	e := newPlaces(t).elastic(t)
	_, err := e.store.AssignPiece(t.Context(), e.reservation, e.one, e.devices[0])
	require.NoError(t, err)
	port := e.firstPort(e.devices[0])
	early, err := e.store.SwitchesBehind(t.Context(), time.Hour, 100)
	require.NoError(t, err)
	require.Empty(t, early, "commits take seconds")
	behind, err := e.store.SwitchesBehind(t.Context(), 0, 100)
	require.NoError(t, err)
	require.Len(t, behind, 1)
	require.Equal(t, port.Switch, behind[0].ID)
	env := e.runAs("reconcile", Reconcile, nil, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterActivity(&activities.Names{Store: e.store})
		env.RegisterActivity(&activities.Webhooks{Store: e.store, Runs: closedRuns{}})
	})
	require.NoError(t, env.GetWorkflowError())
	var result ReconcileResult
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Equal(t, 1, result.Switches)
	require.Contains(t, e.calls, "CheckSwitch")
	e.agreed()
	behind, err = e.store.SwitchesBehind(t.Context(), 0, 100)
	require.NoError(t, err)
	require.Empty(t, behind)
}
