package rig_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
	"millwright/internal/rig"
	"millwright/workflows"
)

const (
	first  metal.DeviceID = "00000000-0000-4000-8000-000000000001"
	second metal.DeviceID = "00000000-0000-4000-8000-000000000002"
	third  metal.DeviceID = "00000000-0000-4000-8000-000000000003"
)

// Runs of every kind are open while the schema is migrated, the new worker comes
// beside the old one, boot and starter are exchanged, and the old worker goes.
// Then the way back, with the new schema.
func TestAnUpgradeAndTheWayBackLoseNoRun(t *testing.T) {
	t.Parallel()
	u := upgrading(t)
	again, gone := u.before("again"), u.before("gone")
	held := slices.Concat(
		u.held("held", provisionOf(first)),
		u.held("held-again", metal.OrderInput{Action: metal.ActionReinstall, Device: again, OperatingSystem: "ubuntu_24_04"}),
		u.held("held-gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: gone}))
	require.NoError(t, u.Order(t.Context(), "waits", metal.OrderInput{Action: metal.ActionPowerOff, Device: again}))
	require.True(t, atStep(t, u.Rig, workflows.OrderRun("waits"), workflows.StepStart))
	began := []string{workflows.DeviceRun(first), workflows.DeviceRun(again), workflows.DeviceRun(gone), workflows.OrderRun("waits")}

	require.True(t, strings.Contains(u.page, "starter migrate"))
	out, err := u.CommandOf(t.Context(), u.new, "starter", "migrate", "--reconcile-every", "5s", "--switches-every", "8760h", "--patrol-every", "8760h").CombinedOutput()
	require.NoError(t, err, string(out))
	u.life("on-the-new-schema", oldBuild)

	u.addWorker(newBuild, 1)
	u.life("beside", oldBuild)
	u.says("upgrade", "use", newBuild)
	u.life("on-the-new-build", newBuild)
	u.open(began...)

	u.free(held...)
	u.changeover(u.new, "over")
	u.finish("held", "held-again", "held-gone", "waits")
	for _, run := range began {
		require.Equal(t, []string{oldBuild}, u.builds(run), "%s does not end on the build that began it", run)
	}
	require.Equal(t, []string{oldBuild}, u.builds(workflows.DeviceRun(again)), "an order's run is on the order's build")
	require.Contains(t, u.says("upgrade", "drain", oldBuild), "drained")
	u.Workers[0].Kill()
	u.life("alone", newBuild)

	u.back()
	for _, device := range []metal.DeviceID{first, second, again} {
		done(t, u.Rig, "end-"+string(device), metal.OrderInput{Action: metal.ActionDeprovision, Device: device})
	}
	clean(t, u.Rig)
}

// back goes to the previous release again, with the new schema and a run open
// on the new build.
func (u *upgrade) back() {
	u.t.Helper()
	held := u.held("held-new", provisionOf(second))
	require.NoError(u.t, u.Workers[0].Start(u.t.Context()))
	u.says("upgrade", "use", oldBuild)
	u.life("back", oldBuild)
	u.open(workflows.DeviceRun(second))
	u.free(held...)
	u.changeover(u.old, "and-back")
	u.finish("held-new")
	require.Equal(u.t, []string{newBuild}, u.builds(workflows.DeviceRun(second)))
	u.life("all-back", oldBuild)
}

// The machine with the old workers burns. What they had begun goes on with a
// build that does what they did.
func TestRunsWhoseWorkersAreGoneForGoodCanBeMoved(t *testing.T) {
	t.Parallel()
	r := start(t, rig.Config{Build: oldBuild, Limits: holding})
	u := &upgrade{t: t, Rig: r, new: r.Stack.Bin(), page: page(t)}
	u.says("upgrade", "use", oldBuild)
	held := u.held("held", provisionOf(third))
	u.Workers[0].Kill()
	u.free(held...)
	u.addWorker(newBuild, 1)
	u.says("upgrade", "use", newBuild)
	u.life("new", newBuild)
	u.open(workflows.DeviceRun(third))
	require.Contains(t, u.says("upgrade", "move", "--from", oldBuild, "--to", newBuild), "moved")
	u.finish("held")
	require.Equal(t, []string{oldBuild, newBuild}, u.builds(workflows.DeviceRun(third)))
	done(t, r, "end", metal.OrderInput{Action: metal.ActionDeprovision, Device: third})
	require.Contains(t, u.says("upgrade", "drain", oldBuild), "drained")
	clean(t, r)
}
