package workflows

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// charged holds what is paid for against what is there, for every device of
// this world: other worlds of the database are in the middle of theirs.
func (w *world) charged() {
	w.t.Helper()
	faults, err := w.store.UsageFaults(w.t.Context())
	require.NoError(w.t, err)
	for _, d := range w.devices() {
		for _, f := range faults {
			require.NotContains(w.t, f.What, d.ID, "%s", f.Kind)
		}
	}
}

// usages are a device's times so far.
func (w *world) usages(id metal.DeviceID) (all []metal.UsageRecord) {
	w.t.Helper()
	report, err := w.store.Usage(w.t.Context(), metal.UsageAsk{Device: id, Since: time.Unix(0, 0), Until: time.Now().Truncate(time.Second).Add(time.Hour)})
	require.NoError(w.t, err)
	for _, r := range report.Records {
		if r.Kind == metal.DeviceUsage {
			all = append(all, r)
		}
	}
	return all
}

// Whatever becomes of a device in between, it is paid for once, from the first
// time that it is handed over until it is taken apart.
func TestADeviceIsPaidForOnceWhateverBecomesOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	first := w.provision("o")
	n := 0
	do := func(in metal.OrderInput) error {
		n++
		in.Device = first.Device
		return w.run(runOf(in.Action), w.ordered(metal.OrderID(fmt.Sprintf("o%d", n)), in))
	}
	w.box(1).silent = true
	require.Equal(t, SystemSilent, typeOf(w.run(Provision, first)))
	require.Empty(t, w.usages(first.Device), "it never was handed over")

	reinstall := metal.OrderInput{Action: metal.ActionReinstall, OperatingSystem: "debian_12"}
	w.box(1).silent = false
	require.NoError(t, do(reinstall))
	began := w.usages(first.Device)
	require.Len(t, began, 1)
	w.box(1).silent = true
	require.Equal(t, SystemSilent, typeOf(do(reinstall)))
	require.Equal(t, "failed", w.device().State)
	w.box(1).silent = false
	require.NoError(t, do(reinstall))
	require.NoError(t, do(metal.OrderInput{Action: metal.ActionPowerOff}))
	require.NoError(t, do(metal.OrderInput{Action: metal.ActionPowerOn}))
	require.NoError(t, do(metal.OrderInput{Action: metal.ActionRescue}))
	now := w.usages(first.Device)
	require.Len(t, now, 1, "no gap and no second one")
	require.True(t, now[0].Open)
	require.Equal(t, began[0].ID(), now[0].ID())

	require.NoError(t, do(metal.OrderInput{Action: metal.ActionDeprovision}))
	ended := w.usages(first.Device)
	require.Len(t, ended, 1)
	require.False(t, ended[0].Open)
	require.Equal(t, began[0].Since, ended[0].Since)
	w.accounted()
}
