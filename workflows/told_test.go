package workflows

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/metal"
)

// told are the types of a device's events, as its tenant reads them, oldest
// first, from the last that asked for something.
func (w *world) told(device metal.DeviceID, from string) (types []string) {
	w.t.Helper()
	events, _, err := w.store.DeviceEvents(w.t.Context(), device, false, metal.EventFilter{Page: metal.Page{Limit: 1000}})
	require.NoError(w.t, err)
	for _, e := range events {
		require.NotRegexp(w.t, `s\d+-(m|tor)`, e.Words, "a machine or a switch")
		types = append(types, e.Type)
		if e.Type == from {
			break
		}
	}
	slices.Reverse(types)
	return types
}

var provisioned = []string{
	"provisioning.101", "provisioning.102", "provisioning.103", "provisioning.104", "provisioning.106", "provisioning.107",
	"provisioning.109", "provisioning.110", "instance.active",
}

func TestTenantsAreToldHowTheirDeviceGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	in := w.provision("first")
	require.NoError(t, w.run(Provision, in))
	require.Equal(t, append([]string{"instance.created"}, provisioned...), w.told(in.Device, "instance.created"))

	again := w.ordered("again", metal.OrderInput{Action: metal.ActionReinstall, Device: in.Device, OperatingSystem: "ubuntu_24_04"})
	require.NoError(t, w.run(Reinstall, again))
	require.Equal(t, append([]string{"instance.reinstall"}, provisioned[2:]...), w.told(in.Device, "instance.reinstall"))
	steps, err := w.store.ProvisioningEvents(t.Context(), []string{string(in.Device)})
	require.NoError(t, err)
	require.Len(t, steps[in.Device], 6, "of the reinstall alone")

	require.NoError(t, w.run(Rescue, w.ordered("rescue", metal.OrderInput{Action: metal.ActionRescue, Device: in.Device})))
	require.Equal(t, []string{"instance.rescue", "instance.rescued", "instance.active"}, w.told(in.Device, "instance.rescue"))
	require.NoError(t, w.run(Power, w.ordered("off", metal.OrderInput{Action: metal.ActionPowerOff, Device: in.Device})))
	require.Equal(t, []string{"instance.power_off", "instance.inactive"}, w.told(in.Device, "instance.power_off"))
	require.NoError(t, w.run(Deprovision, w.ordered("gone", metal.OrderInput{Action: metal.ActionDeprovision, Device: in.Device})))
	require.Equal(t, []string{"instance.deprovision", "deprovisioning.306.01", "instance.released", "instance.deleted"}, w.told(in.Device, "instance.deprovision"))
}

func TestAJobThatFailsOnOneMachineIsNotTheDevicesEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	in := w.provision("first")
	w.box(1).agentFails = "disk S3: I/O error"
	require.NoError(t, w.run(Provision, in))
	told := w.told(in.Device, "instance.created")
	require.NotContains(t, told, "instance.failed")
	require.Equal(t, "instance.active", told[len(told)-1])

	lost := newWorld(t, 1)
	in = lost.provision("first")
	lost.box(1).dead = true
	require.Error(t, lost.run(Provision, in))
	told = lost.told(in.Device, "instance.created")
	require.Equal(t, "instance.failed", told[len(told)-1])
}
