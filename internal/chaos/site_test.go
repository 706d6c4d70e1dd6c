package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millwright/internal/lab"
	"millwright/internal/lab/machine"
	"millwright/internal/metal"
)

func TestAMachineIsComparedWithWhatTheTablesSayOfIt(t *testing.T) {
	t.Parallel()
	blank := []machine.DiskState{{Empty: true}}
	installed := []machine.DiskState{{Bootable: true, FirstBoot: &metal.FirstBoot{Hostname: "d-1"}}}
	active := held{state: "occupied", device: "1", hostname: "d-1", deviceState: "active"}
	inactive := active
	inactive.deviceState = "inactive"
	strange := active
	strange.hostname = "d-2"
	for name, c := range map[string]struct {
		disks []machine.DiskState
		power metal.Power
		phase machine.Phase
		held  held
		want  string
	}{
		"idle":            {blank, metal.Off, machine.Off, held{state: "idle"}, ""},
		"idle, written":   {installed, metal.Off, machine.Off, held{state: "idle"}, "is in the pool with a written disk"},
		"idle, on":        {blank, metal.On, machine.Agent, held{state: "idle"}, "is in the pool and has power"},
		"quarantined":     {installed, metal.On, machine.Hung, held{state: "quarantined"}, ""},
		"active":          {installed, metal.On, machine.Running, active, ""},
		"active, off":     {installed, metal.Off, machine.Off, active, "is an active device's and has no power"},
		"active, hung":    {installed, metal.On, machine.Hung, active, "is an active device's and its system does not run"},
		"another's":       {installed, metal.On, machine.Running, strange, "is a device's and has another system, or none"},
		"blank":           {blank, metal.On, machine.Running, active, "is a device's and has another system, or none"},
		"inactive":        {installed, metal.Off, machine.Off, inactive, ""},
		"inactive and on": {installed, metal.On, machine.Running, inactive, "is a device's that is off, and has power"},
	} {
		state := lab.MachineState{State: machine.State{Phase: c.phase, Disks: c.disks}, Power: c.power}
		require.Equal(t, c.want, compare(state, c.held), name)
	}
}
