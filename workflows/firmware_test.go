package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"millwright/internal/metal"
)

var toTwo = Update{Component: "bios", Version: "2.0", URL: "http://images.example/bios.bin", SHA256: "00"}

func (w *world) update(i int, with ...func(*testsuite.TestWorkflowEnvironment)) error {
	return w.runAs(MachineRun(w.m(i)), UpdateFirmware, UpdateInput{Machine: w.m(i), Site: w.site, Update: toTwo}, with...).GetWorkflowError()
}

func TestAMachineComesOutOfAnUpdateAsItWentIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	require.NoError(t, w.update(1))
	require.Equal(t, "2.0", w.box(1).flash.has)
	require.Equal(t, string(metal.Idle), w.machine(1).State)
	w.accounted()
	life := w.box(1).life
	require.NoError(t, w.update(1), "a repeat")
	require.Equal(t, life+1, w.box(1).life, "it was switched off, and not on")
}

func TestAnUpdateThatFailsGoesBackAndPutsTheMachineAside(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flash flash
		has   string
		says  string
	}{
		"the BMC says so":       {flash{has: "1.0", kept: "0.9", next: "2.0", fails: true}, "0.9", "ImageCorrupt; it went back"},
		"another version":       {flash{has: "1.0", next: "1.9"}, "1.0", "its bios says 1.9 after an update to 2.0; it went back"},
		"nothing to go back to": {flash{has: "1.0", next: "2.0", fails: true}, "1.0", "kept no image to go back to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			w.box(1).flash = &c.flash
			require.Equal(t, UpdateFailed, typeOf(w.update(1)))
			require.Equal(t, c.has, w.box(1).flash.has)
			require.Equal(t, string(metal.Quarantined), w.machine(1).State)
			require.Contains(t, w.machine(1).Reason, c.says)
			w.accounted()
		})
	}
}

func TestAnUpdateCancelledAtAnyMomentSettles(t *testing.T) {
	t.Parallel()
	places := newPlaces(t)
	for at := time.Duration(0); at <= 5*time.Minute; at += 20 * time.Second {
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			w := places.world(t, 1)
			_ = w.update(1, cancelAt(at))
			require.Contains(t, []string{"idle", "quarantined"}, w.machine(1).State)
			w.accounted()
		})
	}
}

func TestARolloutStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	w.box(3).flash = &flash{has: "1.0", kept: "0.9", next: "2.0", fails: true}
	env := w.runAs(RolloutRun(w.site, testPlan), Rollout, RolloutInput{Site: w.site, Plan: testPlan, Update: toTwo})
	require.Equal(t, UpdateFailed, typeOf(env.GetWorkflowError()))
	require.Contains(t, env.GetWorkflowError().Error(), "stopped after 3 machines, because of "+string(w.m(3)))
	for i, want := range []string{"2.0", "2.0", "0.9", "2.0", ""} {
		if f := w.box(i + 1).flash; want != "" {
			require.Equal(t, want, f.has, "m%d", i+1)
		} else {
			require.Nil(t, f, "m%d was touched after the failure", i+1)
		}
	}
}

func TestARolloutBringsEveryIdleMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	env := w.runAs(RolloutRun(w.site, testPlan), Rollout, RolloutInput{Site: w.site, Plan: testPlan, Update: toTwo})
	require.NoError(t, env.GetWorkflowError())
	for i := range 5 {
		require.Equal(t, "2.0", w.box(i+1).flash.has)
		require.Equal(t, string(metal.Idle), w.machine(i+1).State)
	}
	w.accounted()
}
